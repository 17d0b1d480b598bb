"""Every image that the lab uses, from a registry or from packages.

::

    store.ImageStore     hands out images by name, the app's among them
      catalogue          name -> public reference and recipe
        recipes          Rootfs (bootstrap), Dockerfile (build), goimage.GoImage, node.KindNode
      foreign            somebody's app, as ``apps`` describes it
      derived            another one with a little changed, for a while
      registry.Registry  passes them on to the nodes
      image_archive      carries them to another machine, in a file that archive describes
"""
