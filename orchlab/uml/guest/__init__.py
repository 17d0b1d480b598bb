"""What runs inside the guest. Standard library alone: nothing else is installed there."""
