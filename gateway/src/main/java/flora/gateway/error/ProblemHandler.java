package flora.gateway.error;

import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.PipelineException;
import flora.schemas.request.RequestException;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.bind.annotation.RestControllerAdvice;

/** Failures as problem documents: the only place that knows a status code of a failure. */
@RestController
@RestControllerAdvice
public final class ProblemHandler implements ErrorController {

  private static final Logger log = LoggerFactory.getLogger(ProblemHandler.class);

  ProblemHandler() {}

  @ExceptionHandler
  void handle(Exception e, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    write(e, request, response);
  }

  /** What the container itself refuses comes here. */
  @RequestMapping("${server.error.path:/error}")
  void error(HttpServletRequest request, HttpServletResponse response) throws IOException {
    var status =
        request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) instanceof Integer code
            ? code
            : HttpStatus.NOT_FOUND.value();
    write(response, problem(status, null, null, null, null));
  }

  /** Answers with the problem document of a failure. */
  public void write(Exception failure, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    if (response.isCommitted()) {
      log.debug("{} {} broke off: {}", request.getMethod(), request.getRequestURI(), failure);
      if (failure instanceof IOException) {
        return; // the client has gone
      }
      // half of an answer is out: breaking off tells that it is not whole
      throw new IOException("broken off", failure);
    }
    response.resetBuffer();
    switch (failure) {
      case PipelineException e -> {
        if (e instanceof Refusal.RangeUnsatisfiable range) {
          response.setHeader(HttpHeaders.CONTENT_RANGE, "bytes */" + range.size());
        }
        if (e instanceof Refusal.WrongOffset upload) {
          response.setHeader("Upload-Offset", Long.toString(upload.offset()));
        }
        if (e instanceof Refusal.Unauthorized) {
          response.setHeader(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
        }
        int status = status(e);
        if (status == HttpStatus.SERVICE_UNAVAILABLE.value()) {
          response.setHeader(HttpHeaders.RETRY_AFTER, "5");
        }
        if (status >= 500 && e.code() != ErrorCode.NOT_SUPPORTED_YET) {
          log.warn("{} {}: {}", request.getMethod(), request.getRequestURI(), e.getMessage());
        }
        // what lies behind an internal failure is for the log
        var detail = e.code() == ErrorCode.INTERNAL ? null : e.getMessage();
        write(response, problem(status, e.code(), detail, pointer(e), e.hint()));
      }
      case ErrorResponse e -> {
        e.getHeaders().forEach((name, values) -> values.forEach(v -> response.addHeader(name, v)));
        var detail = e.getBody().getDetail();
        write(response, problem(e.getStatusCode().value(), null, detail, null, null));
      }
      default -> {
        log.error("{} {}", request.getMethod(), request.getRequestURI(), failure);
        write(
            response, problem(500, ErrorCode.INTERNAL, null, null, "the gateway's log says more"));
      }
    }
  }

  private static int status(PipelineException e) {
    var special =
        switch (e) {
          case Refusal.WrongMediaType _ -> HttpStatus.UNSUPPORTED_MEDIA_TYPE;
          case Refusal.TooLarge _ -> HttpStatus.CONTENT_TOO_LARGE;
          case Refusal.Unauthorized _ -> HttpStatus.UNAUTHORIZED;
          // the request can be read; what it names is not there
          case Refusal.NoDataset d when d.isNamedInBody() -> HttpStatus.UNPROCESSABLE_CONTENT;
          case Refusal.Unplannable u -> planned(u.code());
          case Refusal.PlanTimeout _ -> HttpStatus.GATEWAY_TIMEOUT;
          case Refusal.NoModel _, Refusal.NoModelFile _, Refusal.NoMirror _ -> HttpStatus.NOT_FOUND;
          case Refusal.PreconditionFailed _ -> HttpStatus.PRECONDITION_FAILED;
          case Refusal.KeyReused _ -> HttpStatus.UNPROCESSABLE_CONTENT;
          case Refusal.BadBundle _ -> HttpStatus.UNPROCESSABLE_CONTENT;
          case Refusal.NotInStore _ -> HttpStatus.NOT_FOUND;
          case Refusal.NotSynced _ -> HttpStatus.NOT_FOUND;
          case Refusal.BadModelFile _ -> HttpStatus.UNPROCESSABLE_CONTENT;
          case Refusal.Busy _, Refusal.WrongOffset _, Refusal.NameTaken _, Refusal.InUse _ ->
              HttpStatus.CONFLICT;
          case Refusal.TooManyStreams _ -> HttpStatus.TOO_MANY_REQUESTS;
          case Refusal.RangeUnsatisfiable _ -> HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE;
          default -> null;
        };
    return special == null ? status(e.code()).value() : special.value();
  }

  /** The request can be read; what it names is not there, not for us, or not to be asked now. */
  private static @Nullable HttpStatus planned(ErrorCode code) {
    return switch (code) {
      case REPO_GATED -> HttpStatus.FORBIDDEN;
      case REPO_NOT_FOUND,
          REVISION_NOT_FOUND,
          MODEL_UNSUPPORTED,
          DATASET_EMPTY,
          FILE_FILTERED_OUT ->
          HttpStatus.UNPROCESSABLE_CONTENT;
      case HUB_PROTOCOL -> HttpStatus.BAD_GATEWAY;
      default -> null;
    };
  }

  private static HttpStatus status(ErrorCode code) {
    return switch (code) {
      case NOT_SUPPORTED_YET -> HttpStatus.NOT_IMPLEMENTED;
      case RUN_NOT_FOUND, ARTIFACT_NOT_FOUND, DATASET_NOT_FOUND -> HttpStatus.NOT_FOUND;
      case RUN_NOT_ACTIVE, RUN_PAUSED -> HttpStatus.CONFLICT;
      default ->
          switch (code.category()) {
            case USER -> HttpStatus.BAD_REQUEST;
            case EXTERNAL -> HttpStatus.SERVICE_UNAVAILABLE;
            case RESOURCE -> HttpStatus.INSUFFICIENT_STORAGE;
            case CORRUPT, DIVERGED, INTERNAL -> HttpStatus.INTERNAL_SERVER_ERROR;
          };
    };
  }

  private static @Nullable String pointer(PipelineException e) {
    return switch (e) {
      case RequestException r -> r.pointer();
      case Refusal r -> r.pointer();
      default -> null;
    };
  }

  private static Problem problem(
      int status,
      @Nullable ErrorCode code,
      @Nullable String detail,
      @Nullable String pointer,
      @Nullable String hint) {
    var known = HttpStatus.resolve(status);
    var fallback = status >= 500 ? ErrorCode.INTERNAL : ErrorCode.REQUEST_INVALID;
    return new Problem(
        "about:blank",
        known == null ? "HTTP " + status : known.getReasonPhrase(),
        status,
        (code == null ? fallback : code).name(),
        detail,
        pointer,
        hint);
  }

  private static void write(HttpServletResponse response, Problem problem) throws IOException {
    var body = Json.bytes(problem);
    response.setStatus(problem.status());
    response.setContentType("application/problem+json");
    response.setContentLength(body.length);
    response.getOutputStream().write(body);
  }
}
