package jupyter

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Connection is the content of a connection file: where a kernel's sockets are, and the key that signs messages.
type Connection struct {
	Transport  string `json:"transport"` // "tcp" or "ipc"
	IP         string `json:"ip"`        // address for tcp, path prefix for ipc
	Shell      int    `json:"shell_port"`
	IOPub      int    `json:"iopub_port"`
	Stdin      int    `json:"stdin_port"`
	Control    int    `json:"control_port"`
	Heartbeat  int    `json:"hb_port"`
	Key        Key    `json:"key"`
	Scheme     string `json:"signature_scheme"`
	KernelName string `json:"kernel_name,omitempty"`
}

// ReadConnection reads and checks a connection file.
func ReadConnection(path string) (*Connection, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the connection file: %w", err)
	}
	var c Connection
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("connection file %s: %w; Jupyter writes this file, give the kernel the path it passes", path, err)
	}
	if c.Transport != "tcp" && c.Transport != "ipc" {
		return nil, fmt.Errorf("connection file %s: transport %q, want tcp or ipc", path, c.Transport)
	}
	if c.Key != "" && c.Scheme != "hmac-sha256" {
		return nil, fmt.Errorf("connection file %s: signature scheme %q, only hmac-sha256 is supported", path, c.Scheme)
	}
	return &c, nil
}

// Write stores the connection file, readable by its owner only because it holds the key.
func (c *Connection) Write(path string) error {
	b, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}

// Endpoint returns the ZeroMQ address of one of the ports.
func (c *Connection) Endpoint(port int) string {
	if c.Transport == "ipc" {
		return fmt.Sprintf("ipc://%s-%d", c.IP, port)
	}
	return fmt.Sprintf("tcp://%s:%d", c.IP, port)
}

// newIPC makes a private directory with a connection file for unix sockets in it: no port can be taken by somebody else.
func newIPC() (dir, file string, c *Connection, err error) {
	// A unix socket's path has at most 104 bytes on macOS and 108 on Linux.
	base := os.TempDir()
	if len(base) > 70 {
		base = "/tmp"
	}
	if dir, err = os.MkdirTemp(base, "metalnb-k"); err != nil {
		return "", "", nil, fmt.Errorf("cannot make a directory for the kernel's sockets: %w", err)
	}
	c = &Connection{
		Transport: "ipc", IP: filepath.Join(dir, "k"), Shell: 1, IOPub: 2, Stdin: 3, Control: 4, Heartbeat: 5,
		Key: Key(NewID()), Scheme: "hmac-sha256",
	}
	// gonb tells cells its kernel id only when the file has this name.
	file = filepath.Join(dir, "kernel-"+NewID()+".json")
	if err = c.Write(file); err != nil {
		os.RemoveAll(dir)
		return "", "", nil, fmt.Errorf("cannot write the connection file: %w", err)
	}
	return dir, file, c, nil
}
