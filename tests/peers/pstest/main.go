// A Pub/Sub server on a free port of the loopback: the one that Google's Go client is tested with.
package main

import (
	"fmt"

	"cloud.google.com/go/pubsub/pstest"
)

func main() {
	fmt.Println("Server started", pstest.NewServer().Addr)
	select {}
}
