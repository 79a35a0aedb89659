package flora.gateway;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.run.Run;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.SmartLifecycle;
import tools.jackson.databind.JsonNode;

/** A running gateway, seen over HTTP; its answers are held against their {@link Contract}. */
final class Gateway implements AutoCloseable {

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final ConfigurableApplicationContext context;
  private final URI root;

  Gateway(ConfigurableApplicationContext context) {
    this.context = context;
    root =
        URI.create("http://127.0.0.1:" + context.getEnvironment().getProperty("local.server.port"));
    Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> get("/readyz").statusCode() == 200);
  }

  <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  /** Stops one part of it, as if that part hung. */
  void stop(String part) {
    context.getBean(part, SmartLifecycle.class).stop();
  }

  URI root() {
    return root;
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(root + path)).timeout(Duration.ofSeconds(30));
  }

  HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      var response = http.send(request.build(), BodyHandlers.ofString());
      Contract.hold(response);
      return response;
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  HttpResponse<byte[]> bytes(HttpRequest.Builder request) {
    try {
      return http.send(request.build(), BodyHandlers.ofByteArray());
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  HttpResponse<String> get(String path, String... headers) {
    var request = request(path);
    if (headers.length > 0) {
      request.headers(headers);
    }
    return send(request);
  }

  HttpResponse<String> post(String path, String type, String body, String... headers) {
    var request = request(path).POST(BodyPublishers.ofString(body));
    if (!type.isEmpty()) {
      request.header("Content-Type", type);
    }
    if (headers.length > 0) {
      request.headers(headers);
    }
    return send(request);
  }

  HttpResponse<String> yaml(String body, String... headers) {
    return post("/v1/runs", "application/yaml", body, headers);
  }

  HttpResponse<String> put(String path, byte[] body) {
    return send(request(path).PUT(BodyPublishers.ofByteArray(body)));
  }

  /** Submits a run that is good. */
  Run submit(String yaml) {
    var response = yaml(yaml);
    if (response.statusCode() != 202) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    return Json.mapper().readValue(response.body(), Run.class);
  }

  Run run(RunId id) {
    return Json.mapper().readValue(get("/v1/runs/" + id).body(), Run.class);
  }

  Run await(RunId id, Predicate<Run> condition) {
    return Awaitility.await()
        // a gateway of another test that could not say goodbye keeps its partitions for a while
        .atMost(Duration.ofSeconds(40))
        .pollInterval(Duration.ofMillis(30))
        .until(() -> run(id), condition);
  }

  /** The lines of an event stream that has ended. */
  List<String> events(RunId id, boolean follow, String... headers) {
    return get("/v1/runs/%s/events?follow=%s".formatted(id, follow), headers)
        .body()
        .lines()
        .toList();
  }

  static JsonNode json(HttpResponse<String> response) {
    return Json.mapper().readTree(response.body());
  }

  @Override
  public void close() {
    context.close();
    http.close();
  }
}
