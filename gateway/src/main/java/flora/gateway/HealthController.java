package flora.gateway;

import flora.gateway.run.RunView;
import java.util.Map;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** For whoever starts and watches this process. */
@RestController
final class HealthController {

  private final RunView view;

  HealthController(RunView view) {
    this.view = view;
  }

  @GetMapping("/healthz")
  Map<String, String> alive() {
    return Map.of("status", "ok");
  }

  /** Ready when it knows every run. */
  @GetMapping("/readyz")
  ResponseEntity<Map<String, String>> ready() {
    return view.isCaughtUp()
        ? ResponseEntity.ok(Map.of("status", "ready"))
        : ResponseEntity.status(503).body(Map.of("status", "reading the runs"));
  }
}
