package flora.gateway.model;

import flora.gateway.http.RequestBodies;
import flora.hub.plan.PlanReport;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/models:plan}: what a request would fetch. */
@RestController
final class PlanController {

  private final RequestBodies bodies;
  private final Plans plans;

  PlanController(RequestBodies bodies, Plans plans) {
    this.bodies = bodies;
    this.plans = plans;
  }

  /** The body is a run request, or the fields of its model part alone: that is its flat form. */
  @PostMapping("/v1/models:plan")
  PlanReport plan(HttpServletRequest http) throws IOException {
    return plans.plan(bodies.runRequest(http, null).request());
  }
}
