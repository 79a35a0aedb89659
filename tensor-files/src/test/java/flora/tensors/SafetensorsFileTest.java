package flora.tensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.tensors.SafetensorsException.Defect;
import flora.tensors.SafetensorsException.FileMissing;
import flora.tensors.SafetensorsException.Malformed;
import flora.tensors.SafetensorsException.TensorMissing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {

  private static final String F32_2 = "{'dtype':'F32','shape':[2],'data_offsets':[0,8]}";

  @TempDir Path folder;

  private Path file(String header, int dataBytes) throws IOException {
    return raw(header.length(), header, dataBytes);
  }

  private Path raw(long length, String header, int dataBytes) throws IOException {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(length).put(json);
    return Files.write(folder.resolve("x.safetensors"), bytes.array());
  }

  private static Defect defect(Path path) {
    var refusal = catchThrowableOfType(Malformed.class, () -> SafetensorsFile.open(path).close());
    assertThat(refusal).hasMessageContaining("x.safetensors");
    return refusal.defect();
  }

  @Test
  void acceptsASoundHeaderWithTrailingSpaces() throws IOException {
    try (var file = SafetensorsFile.open(file("{'a':" + F32_2 + "}    ", 8))) {
      assertThat(file.info("a").count()).isEqualTo(2);
      assertThat(file.metadata()).isEmpty();
    }
  }

  @Test
  void acceptsAFileWithoutTensors() throws IOException {
    try (var file = SafetensorsFile.open(file("{}", 0))) {
      assertThat(file.tensors()).isEmpty();
    }
  }

  @ParameterizedTest(name = "{1}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          WRONG_SIZE      | {'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}
          WRONG_SIZE      | {'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}
          WRONG_SIZE      | {'a':{'dtype':'F32','shape':[],'data_offsets':[0,8]}}
          TRUNCATED       | {'a':{'dtype':'F32','shape':[3],'data_offsets':[0,12]}}
          BAD_NUMBER      | {'a':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,8]}}
          BAD_NUMBER      | {'a':{'dtype':'F32','shape':[4294967296,4294967296,0],'data_offsets':[0,0]}}
          BAD_NUMBER      | {'a':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,8]}}
          BAD_NUMBER      | {'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}
          BAD_NUMBER      | {'a':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}}
          BAD_NUMBER      | {'a':{'dtype':'F32','shape':['2'],'data_offsets':[0,8]}}
          UNKNOWN_DTYPE   | {'a':{'dtype':'F4','shape':[2],'data_offsets':[0,8]}}
          HOLE            | {'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}
          HOLE            | {'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}
          HOLE            | {}
          OVERLAP         | {'a':{'dtype':'U8','shape':[6],'data_offsets':[0,6]},'b':{'dtype':'U8','shape':[4],'data_offsets':[4,8]}}
          OVERLAP         | {'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}
          DUPLICATE_KEY   | {'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}
          DUPLICATE_KEY   | {'a':{'dtype':'F32','dtype':'F32','shape':[2],'data_offsets':[0,8]}}
          HEADER_NOT_JSON | ['a']
          HEADER_NOT_JSON | {'a':[1]}
          HEADER_NOT_JSON | {'a':{'dtype':'F32','shape':[2]}}
          HEADER_NOT_JSON | {'a':{'dtype':'F32','shape':[2],'data_offsets':[0]}}
          HEADER_NOT_JSON | {'a':{'dtype':'F32','shape':2,'data_offsets':[0,8]}}
          HEADER_NOT_JSON | {'__metadata__':{'k':1}}
          HEADER_NOT_JSON | {'__metadata__':'x'}
          HEADER_NOT_JSON | {'a':
          HEADER_NOT_JSON | {} {}
          """)
  void refuses(Defect expected, String header) throws IOException {
    assertThat(defect(file(header, 8))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"100000001", "9223372036854775807", "-1", "-9223372036854775808"})
  void refusesAHeaderLengthBeyondTheLimit(long length) throws IOException {
    assertThat(defect(raw(length, "{}", 0))).isEqualTo(Defect.HEADER_TOO_LARGE);
  }

  @Test
  void refusesAHeaderLongerThanTheFile() throws IOException {
    assertThat(defect(raw(99, "{}", 0))).isEqualTo(Defect.TRUNCATED);
  }

  @Test
  void refusesAFileOfAFewBytes() throws IOException {
    Path path = Files.write(folder.resolve("x.safetensors"), new byte[] {1, 2, 3});

    assertThat(defect(path)).isEqualTo(Defect.TRUNCATED);
  }

  @Test
  void readsAHeaderOfManyTensorsAndAVeryLongText() throws IOException {
    var header =
        new StringBuilder("{\"__metadata__\":{\"tags\":\"" + "x".repeat(25_000_000) + "\"}");
    for (int i = 0; i < 20_000; i++) {
      header.append(
          ",\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}"
              .formatted(i, i, i + 1));
    }

    try (var file = SafetensorsFile.open(file(header.append('}').toString(), 20_000))) {
      assertThat(file.tensors()).hasSize(20_000);
      assertThat(file.metadata().get("tags")).hasSize(25_000_000);
      assertThat(file.fileOffset("t7")).isEqualTo(8 + header.length() + 7);
    }
  }

  @Test
  void namesTheMissingTensorAndItsNeighbours() throws IOException {
    try (var file = SafetensorsFile.open(file("{'net.to_q.weight':" + F32_2 + "}", 8))) {
      assertThatThrownBy(() -> file.data("to_q.weight"))
          .isInstanceOf(TensorMissing.class)
          .hasMessage("x.safetensors has no tensor to_q.weight; near: net.to_q.weight");
    }
  }

  @Test
  void namesTheMissingFile() {
    assertThatThrownBy(() -> SafetensorsFile.open(folder.resolve("none.safetensors")))
        .isInstanceOf(FileMissing.class)
        .hasMessageContaining("none.safetensors");
    assertThatThrownBy(() -> SafetensorsFile.open(folder)).isInstanceOf(FileMissing.class);
  }

  @Test
  void slicesEndWithTheFile() throws IOException {
    var file = SafetensorsFile.open(file("{'a':" + F32_2 + "}", 8));
    var slice = file.data("a");
    file.close();
    file.close();

    assertThatThrownBy(() -> slice.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }
}
