package party

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// Service is a running ext_authz server.
type Service struct {
	*Process
	// Address is where it answers Check.
	Address string
	// checked reports whether it answers gRPC health, so that Envoy can ask.
	checked bool
	// mapped reports whether it wants the headers as a map, not raw.
	mapped bool
}

// House is where the parties find what they need and leave what they print.
type House struct {
	// Dir takes the files that are written for them.
	Dir string
	// Logs takes what they print; it goes nowhere when empty.
	Logs string
}

// log returns the path for what a party prints.
func (h House) log(name string) string {
	if h.Logs == "" {
		return ""
	}
	return filepath.Join(h.Logs, name+".log")
}

// write writes a file of a party's and returns its path.
func (h House) write(name, text string) (string, error) {
	path := filepath.Join(h.Dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600) //nolint:gosec // in a folder of the run's own
}

// Stock starts the stock server, a built program.
func (h House) Stock(ctx context.Context, program string) (*Service, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	process, err := start("stock", h.log("stock"), program, address)
	if err != nil {
		return nil, err
	}
	return (&Service{Process: process, Address: address, checked: true}).up(ctx)
}

// Authz starts kinde-authz with settings, to which it adds the addresses. The
// name is for its files.
func (h House) Authz(ctx context.Context, program, name string, settings map[string]any) (*Service, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	settings["listen"], settings["admin_listen"], settings["drain_delay"] = address, admin, "0s"
	text, err := json.Marshal(settings) // JSON is YAML
	if err != nil {
		return nil, err
	}
	path, err := h.write(name+".yaml", string(text))
	if err != nil {
		return nil, err
	}
	process, err := start("kinde-authz", h.log(name), program, "serve", "--config", path)
	if err != nil {
		return nil, err
	}
	return (&Service{Process: process, Address: address, checked: true}).up(ctx)
}

// up waits until the service can be asked; when it cannot, it is ended.
func (s *Service) up(ctx context.Context) (*Service, error) {
	answers := s.listens
	if s.checked {
		answers = s.healthy
	}
	if err := s.until(ctx, "it serves", answers); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Service) listens(ctx context.Context) bool {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}

func (s *Service) healthy(ctx context.Context) bool {
	connection, err := grpc.NewClient(s.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return false
	}
	defer func() { _ = connection.Close() }() // nothing is in flight
	answer, err := healthv1.NewHealthClient(connection).Check(ctx, &healthv1.HealthCheckRequest{})
	return err == nil && answer.GetStatus() == healthv1.HealthCheckResponse_SERVING
}

// freeAddress returns a loopback address that nothing listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
