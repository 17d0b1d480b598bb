// hello says who it is, greets as it was told, and remembers in its volume how often it began.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	starts = "/var/lib/hello/starts"
	// Time for balancers to notice that this replica is about to leave, while it serves on.
	drain = 2 * time.Second
)

func main() {
	begun, err := begin()
	if err != nil {
		log.Fatal(err)
	}
	hostname, _ := os.Hostname()
	told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var leaving atomic.Bool

	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		if leaving.Load() {
			http.Error(w, "leaving", http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("/whoami", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{
			"hostname": hostname, "greeting": os.Getenv("GREETING"), "starts": begun,
		})
	})

	server := http.Server{Addr: ":8080"}
	ended := make(chan error)
	go func() {
		<-told.Done()
		leaving.Store(true)
		time.Sleep(drain)
		ended <- server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
}

// begin notes one more start in the volume and returns how many there were.
func begin() (int, error) {
	file, err := os.OpenFile(starts, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if _, err := file.WriteString("started\n"); err != nil {
		return 0, err
	}
	content, err := os.ReadFile(starts)
	return bytes.Count(content, []byte("\n")), err
}
