package io.github.hatd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadmeTest {

  private static final Pattern SNIPPET = Pattern.compile("(?ms)^```java\n(.*?)^```$");

  /** What the snippets, which are statements, stand in. */
  private static final String AROUND =
      """
      import io.github.hatd.*;
      import io.github.hatd.v1.*;
      import io.grpc.Status;
      import java.nio.file.*;
      import java.time.Duration;

      class Snippet {
        void connect() throws Exception {
          %s
        }

        void snippets(HatdClient hatd, String room, String user, String hat) throws Exception {
          %s
        }
      }
      """;

  private static List<String> snippets() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    return SNIPPET.matcher(readme).results().map(found -> found.group(1)).toList();
  }

  @Test
  void theQuickStartIsTheExample() throws IOException {
    assertEquals(Files.readString(Path.of("examples/QuickStart.java")), snippets().get(0));
  }

  @Test
  void theOtherSnippetsCompile(@TempDir Path directory) throws IOException {
    List<String> others = snippets().subList(1, snippets().size());
    assertEquals(5, others.size());
    for (String snippet : others) {
      boolean connects = snippet.contains(".connect()");
      String source = AROUND.formatted(connects ? snippet : "", connects ? "" : snippet);
      JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
      StringWriter errors = new StringWriter();
      List<String> options =
          List.of("-d", directory.toString(), "-cp", System.getProperty("java.class.path"));
      boolean compiles =
          compiler.getTask(errors, null, null, options, null, List.of(new Source(source))).call();
      assertTrue(compiles, () -> errors + "\n" + source);
    }
  }

  private static final class Source extends SimpleJavaFileObject {

    private final String text;

    Source(String text) {
      super(URI.create("string:///Snippet.java"), JavaFileObject.Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }
}
