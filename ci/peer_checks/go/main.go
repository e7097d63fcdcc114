// Go's crypto/tls as a peer: `peer client|server`, with the options that ci/peer_checks/programs.py describes.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

const limit = 20 * time.Second

var (
	port     = flag.Int("port", 0, "")
	name     = flag.String("name", "localhost", "")
	version  = flag.String("version", "", "")
	roots    = flag.String("roots", "", "")
	identity = flag.String("identity", "", "")
	alpn     = flag.String("alpn", "", "")
	path     = flag.String("path", "", "")
	times    = flag.Int("times", 1, "")
	length   = flag.Int("length", 0, "")
	versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
)

func main() {
	mode := os.Args[1]
	flag.CommandLine.Parse(os.Args[2:])
	config, err := newConfig()
	if err == nil && mode == "server" {
		err = serve(config)
	}
	for range *times {
		if err == nil && mode == "client" {
			err = connect(config)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "error=%v\n", err)
		os.Exit(1)
	}
}

func newConfig() (*tls.Config, error) {
	config := &tls.Config{
		ServerName: *name,
		MinVersion: versions[*version],
		MaxVersion: versions[*version],
		NextProtos: []string{*alpn},
		// Only clients have a use for it.
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}
	if *identity != "" {
		certificate, err := tls.LoadX509KeyPair(*identity+".pem", *identity+".key")
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	if *roots != "" {
		pem, err := os.ReadFile(*roots)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
		// To a server, roots are what its clients' certificates must lead to.
		config.ClientCAs, config.ClientAuth = config.RootCAs, tls.RequireAndVerifyClientCert
	}
	return config, nil
}

func connect(config *tls.Config) error {
	if *alpn == "h2" {
		return fetch(config)
	}
	tcp, err := dial(context.Background(), "", "")
	if err != nil {
		return err
	}
	defer tcp.Close()
	conn := tls.Client(tcp, config)
	if err := conn.Handshake(); err != nil {
		return err
	}
	if *path != "" {
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", *path)
	}
	// An end without close_notify is an error here.
	if _, err := io.Copy(os.Stdout, conn); err != nil {
		return err
	}
	report(conn.ConnectionState())
	return nil
}

// fetch leaves the protocol to net/http.
func fetch(config *tls.Config) error {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DialContext: dial}
	client := http.Client{Transport: transport, Timeout: limit}
	response, err := client.Get(fmt.Sprintf("https://localhost:%d%s", *port, *path))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		return fmt.Errorf("the answer is %s %s", response.Proto, response.Status)
	}
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		return err
	}
	report(*response.TLS)
	return nil
}

func dial(ctx context.Context, _, _ string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(limit))
}

// serve accepts until it is killed.
func serve(config *tls.Config) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "port=%d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		tcp, err := listener.Accept()
		if err != nil {
			return err
		}
		tcp.SetDeadline(time.Now().Add(limit))
		if err := reverse(tls.Server(tcp, config)); err != nil {
			fmt.Fprintf(os.Stderr, "error=%v\n", err)
		}
		// Closed with bytes unread, the connection would be reset, and a reset may overtake an alert.
		tcp.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, tcp)
		tcp.Close()
	}
}

// reverse sends back the bytes that are to come, the last one first.
func reverse(conn *tls.Conn) error {
	data := make([]byte, *length)
	if _, err := io.ReadFull(conn, data); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if err == nil {
		slices.Reverse(data)
		if _, err := conn.Write(data); err != nil {
			return err
		}
	}
	report(conn.ConnectionState())
	return conn.CloseWrite()
}

func report(state tls.ConnectionState) {
	peer := ""
	if len(state.PeerCertificates) > 0 {
		peer = state.PeerCertificates[0].Subject.CommonName
	}
	fmt.Fprintf(os.Stderr, "version=%s\tcipher=%s\talpn=%s\tresumed=%t\tpeer=%s\n",
		tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite), state.NegotiatedProtocol,
		state.DidResume, peer)
}
