package jupyter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// Channel names one of the sockets that messages come from.
type Channel string

// The channels that a client receives messages on.
const (
	Shell   Channel = "shell"
	Control Channel = "control"
	IOPub   Channel = "iopub"
	Stdin   Channel = "stdin"
)

// Event is a message that arrived, or the reason why frames were dropped.
type Event struct {
	Channel Channel
	Message *Message
	Err     error // a *FrameError; Message is nil then
}

// Client holds the five channels to one kernel. Its methods may be called from several goroutines; Events has one reader.
type Client struct {
	conn    *Connection
	session string
	ctx     context.Context
	cancel  context.CancelFunc
	events  chan Event
	pumps   sync.WaitGroup

	mu      sync.Mutex // guards the sending side
	sockets map[Channel]zmq4.Socket
	beat    zmq4.Socket
	beating chan struct{} // holds a token while the heartbeat is free
}

const retryDial = 10 * time.Millisecond

// Dial connects the five channels, waiting for a kernel that has not made its sockets yet until ctx ends.
func Dial(ctx context.Context, conn *Connection) (*Client, error) {
	life, cancel := context.WithCancel(context.Background())
	c := &Client{
		conn: conn, session: NewID(), ctx: life, cancel: cancel,
		events: make(chan Event, 64), sockets: map[Channel]zmq4.Socket{}, beating: make(chan struct{}, 1),
	}
	// A dial retries until its socket's context ends, so the caller's end must end the sockets too.
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	base := []zmq4.Option{
		zmq4.WithDialerRetry(retryDial), zmq4.WithDialerMaxRetries(-1), zmq4.WithLogger(log.New(io.Discard, "", 0)),
	}
	// gonb answers control requests on shell, and kernels send input requests to shell's identity: all three share one.
	named := append([]zmq4.Option{zmq4.WithID(zmq4.SocketIdentity(c.session))}, base...)
	sub := zmq4.NewSub(life, base...)
	if err := sub.SetOption(zmq4.OptionSubscribe, ""); err != nil {
		cancel()
		return nil, fmt.Errorf("jupyter: cannot subscribe: %w", err)
	}
	c.sockets[IOPub] = sub
	c.sockets[Shell] = zmq4.NewDealer(life, named...)
	c.sockets[Control] = zmq4.NewDealer(life, named...)
	c.sockets[Stdin] = zmq4.NewDealer(life, named...)
	c.beat = zmq4.NewReq(life, base...)
	ports := map[Channel]int{IOPub: conn.IOPub, Shell: conn.Shell, Control: conn.Control, Stdin: conn.Stdin}
	for name, s := range c.sockets {
		if err := s.Dial(conn.Endpoint(ports[name])); err != nil {
			c.Close()
			return nil, fmt.Errorf("jupyter: cannot reach the kernel's %s channel: %w", name, errors.Join(ctx.Err(), err))
		}
	}
	if err := c.beat.Dial(conn.Endpoint(conn.Heartbeat)); err != nil {
		c.Close()
		return nil, fmt.Errorf("jupyter: cannot reach the kernel's heartbeat: %w", errors.Join(ctx.Err(), err))
	}
	for name, s := range c.sockets {
		c.pumps.Add(1)
		go c.pump(name, s)
	}
	c.beating <- struct{}{}
	return c, nil
}

// pump moves messages of one socket to events until the socket ends.
func (c *Client) pump(name Channel, s zmq4.Socket) {
	defer c.pumps.Done()
	for {
		z, err := s.Recv()
		if err != nil {
			return
		}
		// libzmq's heartbeats arrive as messages.
		if z.Type == zmq4.CmdMsg {
			continue
		}
		m, err := c.conn.Key.Decode(z.Frames)
		select {
		case c.events <- Event{Channel: name, Message: m, Err: err}:
		case <-c.ctx.Done():
			return
		}
	}
}

// Events returns what arrives on shell, control, iopub and stdin. It must be read, or the kernel's output piles up.
func (c *Client) Events() <-chan Event { return c.events }

// Send sends a request and returns its id, which its replies and outputs carry as Parent.ID.
func (c *Client) Send(on Channel, kind string, content map[string]any) (string, error) {
	m := NewRequest(c.session, kind, content)
	return m.Header.ID, c.send(on, m)
}

func (c *Client) send(on Channel, m *Message) error {
	frames, err := c.conn.Key.Encode(m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.sockets[on].SendMulti(zmq4.NewMsgFrom(frames...)); err != nil {
		return fmt.Errorf("jupyter: cannot send %s: %w", m.Header.Type, err)
	}
	return nil
}

// Execute asks the kernel to run code; hidden code leaves no trace in the history and does not count.
func (c *Client) Execute(code string, hidden bool) (string, error) {
	return c.Send(Shell, "execute_request", map[string]any{
		"code": code, "silent": hidden, "store_history": !hidden, "user_expressions": map[string]any{},
		"allow_stdin": false, "stop_on_error": true,
	})
}

// Interrupt asks the kernel to interrupt what it runs.
func (c *Client) Interrupt() error {
	_, err := c.Send(Control, "interrupt_request", nil)
	return err
}

// Shutdown asks the kernel to end.
func (c *Client) Shutdown() error {
	_, err := c.Send(Control, "shutdown_request", map[string]any{"restart": false})
	return err
}

// Answer gives the kernel the line that an input_request asked for.
func (c *Client) Answer(request *Message, line string) error {
	m := NewRequest(c.session, "input_reply", map[string]any{"status": "ok", "value": line})
	m.Parent = request.Header
	return c.send(Stdin, m)
}

// Ready waits until the kernel answers and its broadcasts arrive, and returns the content of its kernel_info_reply.
// A subscription takes effect some time after it was sent, so requests go out until an idle status has come back.
func (c *Client) Ready(ctx context.Context) (map[string]any, error) {
	var info map[string]any
	heard := false
	again := time.NewTimer(0)
	defer again.Stop()
	for info == nil || !heard {
		select {
		case <-again.C:
			if _, err := c.Send(Shell, "kernel_info_request", nil); err != nil {
				return nil, err
			}
			again.Reset(100 * time.Millisecond)
		case e := <-c.events:
			switch {
			case e.Err != nil:
				return nil, fmt.Errorf("the kernel's first messages are not for us: %w", e.Err)
			case e.Message.Header.Type == "kernel_info_reply":
				info = e.Message.Content
			case e.Message.Header.Type == "status" && e.Message.Text("execution_state") == "idle":
				heard = true
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("the kernel does not answer: %w", ctx.Err())
		case <-c.ctx.Done():
			return nil, errors.New("jupyter: the client was closed")
		}
	}
	return info, nil
}

// Ping sends a heartbeat and waits for its echo.
func (c *Client) Ping(ctx context.Context) error {
	select {
	case <-c.beating:
	case <-ctx.Done():
		return fmt.Errorf("no heartbeat: %w", ctx.Err())
	}
	echo := make(chan error, 1)
	go func() {
		err := c.beat.Send(zmq4.NewMsgString("ping"))
		if err == nil {
			_, err = c.beat.Recv()
		}
		echo <- err
		c.beating <- struct{}{}
	}()
	select {
	case err := <-echo:
		return err
	case <-ctx.Done():
		return fmt.Errorf("no heartbeat: %w", ctx.Err())
	}
}

// Close closes the channels and waits for their goroutines. The kernel goes on.
func (c *Client) Close() error {
	c.cancel()
	errs := []error{c.beat.Close()}
	for _, s := range c.sockets {
		errs = append(errs, s.Close())
	}
	c.pumps.Wait()
	return errors.Join(errs...)
}
