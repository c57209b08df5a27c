package io.github.hatd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.hatd.v1.AddUserHatResponse;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.TlsServerCredentials;
import io.grpc.TlsServerCredentials.ClientAuth;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TlsTest {

  private static final AddUserHatResponse RESPONSE =
      AddUserHatResponse.newBuilder().setChanged(true).build();

  /** A certificate of localhost that is its own authority, and its key. */
  private record Certificate(String pem, String keyPem) {

    private static final String PASSWORD = "password";

    /** Makes one with the tool that every JDK has. */
    static Certificate make(Path directory, String name) throws Exception {
      Path store = directory.resolve(name + ".p12");
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                  "-genkeypair",
                  "-alias",
                  name,
                  "-dname",
                  "CN=" + name,
                  "-ext",
                  "san=dns:localhost,ip:127.0.0.1",
                  "-keyalg",
                  "EC",
                  "-keystore",
                  store.toString(),
                  "-storetype",
                  "PKCS12",
                  "-storepass",
                  PASSWORD)
              .inheritIO()
              .start();
      assertEquals(0, process.waitFor());
      KeyStore keys = KeyStore.getInstance("PKCS12");
      try (InputStream in = Files.newInputStream(store)) {
        keys.load(in, PASSWORD.toCharArray());
      }
      return new Certificate(
          pem("CERTIFICATE", keys.getCertificate(name).getEncoded()),
          pem("PRIVATE KEY", keys.getKey(name, PASSWORD.toCharArray()).getEncoded()));
    }

    private static String pem(String kind, byte[] bytes) {
      String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
      return "-----BEGIN " + kind + "-----\n" + base64 + "\n-----END " + kind + "-----\n";
    }

    InputStream stream() {
      return new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII));
    }

    InputStream keyStream() {
      return new ByteArrayInputStream(keyPem.getBytes(StandardCharsets.US_ASCII));
    }
  }

  private static Certificate ofServer;
  private static Certificate ofClient;

  @BeforeAll
  static void makeCertificates(@TempDir Path directory) throws Exception {
    ofServer = Certificate.make(directory, "server");
    ofClient = Certificate.make(directory, "client");
  }

  private static FakeHatd server(ServerCredentials credentials) throws Exception {
    FakeHatd server = new FakeHatd(0, credentials);
    server.onAdd = (call, answer) -> FakeHatd.answer(answer, RESPONSE);
    return server;
  }

  @Test
  void aServerWithATrustedCertificateIsTalkedTo() throws Exception {
    ServerCredentials credentials =
        TlsServerCredentials.create(ofServer.stream(), ofServer.keyStream());
    try (FakeHatd server = server(credentials);
        HatdClient client =
            HatdClient.builder("localhost:" + server.port())
                .trustedCertificates(ofServer.pem())
                .apiKey("secret")
                .connect()) {
      assertEquals(RESPONSE, client.giveHat("room@localhost", "user@localhost", "urn:hat"));
      assertEquals("Bearer secret", server.header(0, "authorization"));
    }
  }

  @Test
  void aServerWithAnotherCertificateIsNot() throws Exception {
    ServerCredentials credentials =
        TlsServerCredentials.create(ofServer.stream(), ofServer.keyStream());
    try (FakeHatd server = server(credentials);
        HatdClient client =
            HatdClient.builder("https://localhost:" + server.port())
                .writeTimeout(Duration.ofSeconds(5))
                .connect()) {
      HatdException error =
          assertThrows(
              HatdException.class,
              () -> client.giveHat("room@localhost", "user@localhost", "urn:hat"));
      assertEquals(Status.Code.UNAVAILABLE, error.code());
      assertEquals(0, server.added.size());
    }
  }

  @Test
  void aServerThatAsksForACertificateGetsIt() throws Exception {
    ServerCredentials credentials =
        TlsServerCredentials.newBuilder()
            .keyManager(ofServer.stream(), ofServer.keyStream())
            .trustManager(ofClient.stream())
            .clientAuth(ClientAuth.REQUIRE)
            .build();
    try (FakeHatd server = server(credentials);
        HatdClient client =
            HatdClient.builder("https://127.0.0.1:" + server.port())
                .trustedCertificates(ofServer.pem())
                .clientCertificate(ofClient.pem(), ofClient.keyPem())
                .connect()) {
      assertEquals(RESPONSE, client.giveHat("room@localhost", "user@localhost", "urn:hat"));
    }
  }

  @Test
  void whatIsNoCertificateIsRefusedAtOnce() {
    HatdClient.Builder builder =
        HatdClient.builder("https://localhost:1").trustedCertificates("nonsense");
    assertThrows(IllegalArgumentException.class, builder::connect);
  }
}
