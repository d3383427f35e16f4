// Pause holds a pod's namespaces open: it waits, collects orphaned children, and leaves on SIGTERM or SIGINT. With -v it
// names itself and leaves at once, as upstream's does: `kubeadm upgrade` tries a cluster with such a pod.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	if slices.Contains(os.Args[1:], "-v") {
		fmt.Println("pause of stsconf")
		return
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for got := range signals {
		if got != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}
