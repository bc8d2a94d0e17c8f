// The server inside the tests' containers: HTTP on :8080 and a TCP echo on :7, one static binary.
//
//	/healthz          200 "ok"
//	/cpu?ms=N         burns N ms of one CPU (wall time), answers how many rounds that were
//	/memory?mb=N      holds N MiB from now on, touched
//	/write?mb=N       writes N MiB to /data, synced, and removes them
//	/get?url=U        what another container answers (its name is looked up by Docker)
//	/env              the process's ID, start and addresses
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

var (
	started = time.Now()
	held    []byte
)

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

func cpu(w http.ResponseWriter, r *http.Request) {
	until := time.Now().Add(time.Duration(number(r, "ms")) * time.Millisecond)
	rounds := 0
	for time.Now().Before(until) {
		rounds++
	}
	fmt.Fprintln(w, rounds)
}

func memory(w http.ResponseWriter, r *http.Request) {
	held = make([]byte, number(r, "mb")<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	fmt.Fprintln(w, len(held)>>20)
}

func write(w http.ResponseWriter, r *http.Request) {
	file, err := os.CreateTemp("/data", "written")
	if err == nil {
		defer os.Remove(file.Name())
		defer file.Close()
		_, err = file.Write(make([]byte, number(r, "mb")<<20))
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
		return
	}
	fmt.Fprintln(w, "written")
}

func get(w http.ResponseWriter, r *http.Request) {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get(r.URL.Query().Get("url"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	w.WriteHeader(answer.StatusCode)
	io.Copy(w, answer.Body)
}

func env(w http.ResponseWriter, r *http.Request) {
	addresses, _ := net.InterfaceAddrs()
	fmt.Fprintln(w, os.Getpid(), started.UnixNano(), addresses)
}

func echo() {
	listener, err := net.Listen("tcp", ":7")
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer connection.Close()
			io.Copy(connection, connection)
		}()
	}
}

func main() {
	// The first process of a container gets no signal that it does not ask for.
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-asked
		os.Exit(0)
	}()
	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/cpu", cpu)
	http.HandleFunc("/memory", memory)
	http.HandleFunc("/write", write)
	http.HandleFunc("/get", get)
	http.HandleFunc("/env", env)
	go echo()
	log.Fatal(http.ListenAndServe(":8080", nil))
}
