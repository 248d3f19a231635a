package server

import "time"

// Limits that tests go to.
const (
	MaxClients = maxClients
	MaxWaiting = maxWaiting
)

func init() {
	helloTimeout = 2 * time.Second
	writeTimeout = time.Second
	frameTimeout = time.Second
	awayTick = 10 * time.Millisecond
	placeTick = 10 * time.Millisecond
}
