import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Java's JSSE as a peer: `Peer client|server`, with the options that ci/peer_checks/programs.py describes. */
final class Peer {
    private static final int LIMIT_MILLIS = 20_000;
    private static final char[] PASSWORD = "password".toCharArray();

    private final Map<String, String> options = new HashMap<>(Map.of("--name", "localhost", "--times", "1"));
    private final SSLContext context;

    private Peer(String[] arguments) throws GeneralSecurityException, IOException {
        for (int i = 1; i < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        context = SSLContext.getInstance("TLS");
        context.init(keyManagers(), trustManagers(), null);
    }

    public static void main(String[] arguments) throws Exception {
        Peer peer = new Peer(arguments);
        try {
            if (arguments[0].equals("server")) {
                peer.serve();
            }
            for (int time = 0; time < peer.number("--times"); time++) {
                peer.connect();
            }
        } catch (IOException error) {
            complain(error);
            System.exit(1);
        }
    }

    private int number(String option) {
        return Integer.parseInt(options.get(option));
    }

    private KeyManager[] keyManagers() throws GeneralSecurityException, IOException {
        if (!options.containsKey("--identity")) {
            return null;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream file = Files.newInputStream(Path.of(options.get("--identity") + ".p12"))) {
            store.load(file, PASSWORD);
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, PASSWORD);
        return factory.getKeyManagers();
    }

    private TrustManager[] trustManagers() throws GeneralSecurityException, IOException {
        if (!options.containsKey("--roots")) {
            return null;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream file = Files.newInputStream(Path.of(options.get("--roots")))) {
            store.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private SSLParameters parameters() {
        SSLParameters parameters = context.getDefaultSSLParameters();
        parameters.setProtocols(new String[] {"TLSv" + options.get("--version")});
        parameters.setApplicationProtocols(new String[] {options.get("--alpn")});
        return parameters;
    }

    private void connect() throws IOException, InterruptedException {
        if (options.get("--alpn").equals("h2")) {
            fetch();
            return;
        }
        long started = System.currentTimeMillis();
        Socket tcp = new Socket(InetAddress.getLoopbackAddress(), number("--port"));
        String name = options.get("--name");
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(tcp, name, tcp.getPort(), true)) {
            SSLParameters parameters = parameters();
            // Without it JSSE looks for no name in the certificate.
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.setSoTimeout(LIMIT_MILLIS);
            socket.startHandshake();
            String request = "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            if (options.containsKey("--path")) {
                request = request.formatted(options.get("--path"));
                socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            }
            // An end without close_notify is an error here.
            socket.getInputStream().transferTo(System.out);
            report(socket, started);
        }
    }

    /** Leaves connection and protocol to HttpClient, which tells nothing of the socket but the session. */
    private void fetch() throws IOException, InterruptedException {
        HttpClient client = HttpClient.newBuilder().sslContext(context).sslParameters(parameters()).build();
        URI uri = URI.create("https://localhost:" + options.get("--port") + options.get("--path"));
        HttpResponse<byte[]> response =
                client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray());
        if (response.version() != HttpClient.Version.HTTP_2 || response.statusCode() != 200) {
            throw new IOException("the answer is " + response.version() + " " + response.statusCode());
        }
        System.out.write(response.body());
        System.out.flush();
        report(response.sslSession().orElseThrow(), "h2", false);
    }

    /** Accepts until it is killed. */
    private void serve() throws IOException {
        try (SSLServerSocket listener = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            SSLParameters parameters = parameters();
            // Roots are what clients' certificates must lead to.
            parameters.setNeedClientAuth(options.containsKey("--roots"));
            listener.setSSLParameters(parameters);
            System.err.println("port=" + listener.getLocalPort());
            while (true) {
                try (SSLSocket socket = (SSLSocket) listener.accept()) {
                    reverse(socket);
                } catch (IOException error) {
                    complain(error);
                }
            }
        }
    }

    /** Sends back the bytes that are to come, the last one first. */
    private void reverse(SSLSocket socket) throws IOException {
        long started = System.currentTimeMillis();
        socket.setSoTimeout(LIMIT_MILLIS);
        socket.startHandshake();
        byte[] data = socket.getInputStream().readNBytes(number("--length"));
        for (int i = 0, j = data.length - 1; i < j; i++, j--) {
            byte first = data[i];
            data[i] = data[j];
            data[j] = first;
        }
        report(socket, started);
        if (data.length > 0) {
            socket.getOutputStream().write(data);
        }
        socket.shutdownOutput();
        // Closed with bytes unread, the connection would be reset, and the end of the answer lost.
        if (!socket.isInputShutdown()) {
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        }
    }

    private static void report(SSLSocket socket, long started) {
        SSLSession session = socket.getSession();
        // JSSE tells of no resumption, but the age of the session does.
        report(session, socket.getApplicationProtocol(), session.getCreationTime() < started);
    }

    private static void report(SSLSession session, String alpn, boolean resumed) {
        String peer = "";
        try {
            peer = session.getPeerPrincipal().getName().replace("CN=", "");
        } catch (SSLPeerUnverifiedException nobody) {
            // A client without a certificate.
        }
        System.err.printf("version=%s\tcipher=%s\talpn=%s\tresumed=%b\tpeer=%s%n",
                session.getProtocol(), session.getCipherSuite(), alpn, resumed, peer);
    }

    private static void complain(Exception error) {
        System.err.println("error=" + error.toString().replace('\n', ' '));
    }
}
