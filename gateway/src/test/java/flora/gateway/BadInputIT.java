package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class BadInputIT {

  private final Gateway gateway = Platform.get().shared();

  @ParameterizedTest
  @MethodSource("requests")
  void namesTheFieldThatIsWrong(String yaml, int status, String pointer) {
    var response = gateway.yaml(yaml);

    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertThat(json(response).path("status").asInt()).isEqualTo(status);
    assertThat(json(response).path("pointer").asString()).isEqualTo(pointer);
    assertThat(json(response).path("detail").asString()).isNotBlank();
    assertThat(response.body()).doesNotContain("Exception", "\tat ", "flora.");
  }

  static Stream<Arguments> requests() {
    return Stream.of(
        Arguments.of(
            "{name: a, model: {base_model: a/b, bose_model: c/d}}", 400, "/model/bose_model"),
        Arguments.of("{base_model: a/b, model: {base_model: c/d}}", 400, "/model/base_model"),
        Arguments.of(
            "{model: {base_model: a/b}, dataset: {name: d}, train: {task: text-to-image,"
                + " lora_rank: 0}}",
            400,
            "/train/lora_rank"),
        Arguments.of("{name: ../../etc, model: {base_model: a/b}}", 400, "/name"),
        Arguments.of("{dataset: {name: ../x}}", 400, "/dataset/name"),
        Arguments.of("{model: {base_model: !!java.net.URL 'http://x'}}", 400, "/model/base_model"),
        Arguments.of("[a, b]", 400, ""),
        Arguments.of("{dataset: {name: nobody-has-uploaded-it}}", 422, "/dataset/name"));
  }

  @Test
  void refusesAYamlBombQuickly() {
    var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      bomb.append("a%d: &a%d [".formatted(i, i));
      bomb.append("*a%d, ".formatted(i - 1).repeat(8)).append("*a%d]\n".formatted(i - 1));
    }

    var response = gateway.yaml(bomb.toString());

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(json(response).path("code").asString()).isEqualTo("REQUEST_INVALID");
  }

  @ParameterizedTest
  @CsvSource({"text/plain", "application/octet-stream", "application/x-www-form-urlencoded", "''"})
  void refusesABodyOfAnotherKind(String type) {
    var response = gateway.post("/v1/runs", type, "{model: {base_model: a/b}}");

    assertThat(response.statusCode()).isEqualTo(415);
    assertThat(json(response).path("pointer").asString()).isEqualTo("Content-Type");
  }

  @Test
  void refusesARequestOfMoreThanAMegabyte() {
    var response = gateway.yaml("# " + "x".repeat(1 << 20));

    assertThat(response.statusCode()).isEqualTo(413);
  }

  @ParameterizedTest
  @CsvSource({
    "GET,/nowhere,404,REQUEST_INVALID",
    "GET,/v1/runs/run_00000000000000000000000000,404,RUN_NOT_FOUND",
    "GET,/v1/runs/..%2F..%2Fetc,404,RUN_NOT_FOUND",
    "GET,/v1/runs/run_00000000000000000000000000/events,404,RUN_NOT_FOUND",
    "POST,/v1/runs/run_00000000000000000000000000/cancel,404,RUN_NOT_FOUND",
    "DELETE,/v1/runs,405,REQUEST_INVALID",
    "GET,/v1/runs?limit=0,400,REQUEST_INVALID",
    "GET,/v1/runs?status=lost,400,REQUEST_INVALID",
    "GET,/v1/runs?after=%25,400,REQUEST_INVALID",
    "POST,/v1/runs/run_00000000000000000000000000/pause,404,RUN_NOT_FOUND",
    "POST,/v1/runs/run_00000000000000000000000000/resume,404,RUN_NOT_FOUND",
    "POST,/v1/runs/run_00000000000000000000000000/save,404,RUN_NOT_FOUND",
    "POST,/v1/runs/run_00000000000000000000000000/preview,404,RUN_NOT_FOUND",
    "POST,/v1/runs/run_00000000000000000000000000/retry,501,NOT_SUPPORTED_YET",
    "GET,/v1/models:plan,405,REQUEST_INVALID",
    "GET,/v1/models?limit=0,400,REQUEST_INVALID",
    "GET,/v1/models?type=space,400,REQUEST_INVALID",
    "GET,/v1/models?after=%25,400,REQUEST_INVALID",
    "GET,/v1/models/..%2F..%2Fetc,400,REQUEST_INVALID",
    "GET,/v1/models/a/..%2Fb,400,REQUEST_INVALID",
    "GET,/v1/models/a/b,404,MODEL_NOT_FOUND",
    "GET,/v1/models/a/b?revision=..,400,REQUEST_INVALID",
    "GET,/v1/models/a/b/files/c,404,MODEL_NOT_FOUND",
    "GET,/v1/mirrors/nobody,404,REQUEST_INVALID",
    "POST,/v1/mirrors/nobody:probe,404,REQUEST_INVALID",
    "DELETE,/v1/mirrors/nobody,404,REQUEST_INVALID",
    "GET,/v1/adapters,501,NOT_SUPPORTED_YET",
    "GET,/api/models/a/b,501,NOT_SUPPORTED_YET",
    "GET,/a/b/resolve/main/config.json,501,NOT_SUPPORTED_YET",
    "POST,/v1/datasets/a:validate,404,DATASET_NOT_FOUND",
    "POST,/v1/datasets/a:validate?wait=61,400,REQUEST_INVALID",
    "POST,/v1/datasets/A:validate,400,REQUEST_INVALID",
    "PUT,/v1/datasets/a/files/a.png,400,REQUEST_INVALID",
    "PUT,/v1/datasets/a/files/.hidden.csv,400,REQUEST_INVALID"
  })
  void answersEveryWrongAddressWithAProblem(String method, String path, int status, String code) {
    var response =
        gateway.send(
            gateway
                .request(path)
                .method(method, java.net.http.HttpRequest.BodyPublishers.noBody()));

    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertThat(json(response).path("code").asString()).isEqualTo(code);
  }

  @Test
  void tellsNothingOfItselfWhenTheRequestLineIsBroken() throws Exception {
    try (var socket = new Socket("127.0.0.1", gateway.root().getPort())) {
      socket
          .getOutputStream()
          .write(
              "GET /\\x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      var answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertThat(answer).startsWith("HTTP/1.1 400").doesNotContain("Exception", "Tomcat");
    }
  }
}
