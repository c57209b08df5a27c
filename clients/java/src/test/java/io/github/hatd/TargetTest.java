package io.github.hatd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.Status;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TargetTest {

  @ParameterizedTest
  @CsvSource({
    "http://127.0.0.1:50051, 127.0.0.1:50051, false",
    "http://localhost:50051/, localhost:50051, false",
    "http://[::1]:50051, [::1]:50051, false",
    "127.8.9.1:1, 127.8.9.1:1, false",
    "LOCALHOST:50051, LOCALHOST:50051, false",
    "[::1]:50051, [::1]:50051, false",
    "hatd.example.org:443, hatd.example.org:443, true",
    "10.0.0.1:50051, 10.0.0.1:50051, true",
    "[2001:db8::1]:50051, [2001:db8::1]:50051, true",
    "https://localhost:50051, localhost:50051, true",
    "https://hatd.example.org:443, hatd.example.org:443, true",
  })
  void aTargetSaysWhetherItIsEncrypted(String target, String authority, boolean tls) {
    assertEquals(new Target(authority, tls), Target.parse(target, false, false));
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:50051, true, false, true",
    "hatd.example.org:50051, false, true, false",
    "http://hatd.example.org:50051, false, true, false",
    "https://hatd.example.org:50051, false, true, true",
    "hatd.example.org:50051, true, true, true",
  })
  void settingsDecideWhatTheTargetLeavesOpen(
      String target, boolean tlsConfigured, boolean plaintextAllowed, boolean tls) {
    assertEquals(tls, Target.parse(target, tlsConfigured, plaintextAllowed).tls());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost",
        "http://",
        "http://localhost",
        "localhost:0",
        "localhost:65536",
        "localhost:port",
        "localhost:50051/path",
        "http://localhost:50051/path",
        "http://localhost:50051?query",
        "http://user@localhost:50051",
        "ftp://localhost:50051",
        "unix:///run/hatd.sock",
        "::1:50051",
        "two words:50051",
      })
  void whatIsNoTargetIsRefused(String target) {
    InvalidTargetException error =
        assertThrows(InvalidTargetException.class, () -> Target.parse(target, false, false));
    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://hatd.example.org:50051",
        "http://10.0.0.1:50051",
        "http://localhost.example.org:50051",
        "http://127.0.0.1.example.org:50051",
        "http://0.0.0.0:50051",
      })
  void plaintextToAnotherMachineIsRefused(String target) {
    assertThrows(InvalidTargetException.class, () -> Target.parse(target, false, false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://localhost:50051", "http://hatd.example.org:50051"})
  void plaintextWithTlsConfiguredIsRefused(String target) {
    assertThrows(InvalidTargetException.class, () -> Target.parse(target, true, true));
  }
}
