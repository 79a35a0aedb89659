package flora.gateway.intake;

import flora.gateway.GatewayProperties;
import flora.gateway.dataset.Incoming;
import flora.gateway.run.RunView;
import flora.gateway.run.Submissions;
import flora.schemas.ErrorCode;
import flora.schemas.Failure;
import flora.schemas.Names;
import flora.schemas.RunId;
import flora.schemas.request.ContentKind;
import flora.schemas.request.EffectiveRequest;
import flora.schemas.request.RequestException;
import flora.schemas.request.RequestReader;
import flora.schemas.request.RunRequest;
import flora.store.ObjectStore;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * A dropped folder becomes a run. Its id follows from the folder's name and what lies in it, so
 * every gateway that sees the same folder means the same run.
 */
@Component
final class DroppedFolder {

  private static final Logger log = LoggerFactory.getLogger(DroppedFolder.class);

  /** What a run is called whose folder has no name that could be a run's. */
  private static final String NAMELESS = "dropped";

  private final ObjectStore store;
  private final Incoming incoming;
  private final Submissions submissions;
  private final RunView view;
  private final long maxRequest;

  DroppedFolder(
      ObjectStore store,
      Incoming incoming,
      Submissions submissions,
      RunView view,
      GatewayProperties properties) {
    this.store = store;
    this.incoming = incoming;
    this.submissions = submissions;
    this.view = view;
    maxRequest = properties.maxRequest().toBytes();
  }

  /** What to do with a folder: a request, and why it cannot be done. */
  private record Asked(EffectiveRequest request, @Nullable Failure refused) {}

  /** Starts the folder's run, unless there is one for exactly these files already. */
  void take(Drop drop) {
    var id = RunId.of("dropped", drop.folder(), drop.listing().hex());
    if (!drop.hasImages() || view.get(id).isPresent() || isSomebodysElse(drop)) {
      return;
    }
    var asked = asked(drop);
    var frozen = submissions.freeze(id, asked.request(), asked.refused());
    log.info("{} comes of {} files dropped into {}", id, drop.files(), drop.folder());
    submissions.announce(frozen);
  }

  private boolean isSomebodysElse(Drop drop) {
    return Names.isSafe(drop.folder())
        && (incoming.isManaged(drop.folder()) || incoming.isCovered(drop.folder(), drop.listing()));
  }

  private Asked asked(Drop drop) {
    var folder = drop.folder();
    if (!Names.isSafe(folder)) {
      var failure =
          new Failure(
              ErrorCode.REQUEST_INVALID,
              "the dropped folder's name is not " + Names.RULE,
              "drop the files into a folder with such a name");
      return new Asked(
          new EffectiveRequest(new RunRequest(NAMELESS, null, null, null), List.of()), failure);
    }
    var file = drop.request();
    if (file == null) {
      return new Asked(RequestReader.dropped(folder), null);
    }
    if (file.size() > maxRequest) {
      return refused(folder, "flora.yaml is larger than " + maxRequest + " bytes", null);
    }
    var stored = store.read(file.bucket(), file.key());
    if (stored.isEmpty()) {
      // taken away since it was listed
      return new Asked(RequestReader.dropped(folder), null);
    }
    try {
      var bytes = stored.get().bytes();
      return new Asked(RequestReader.readDropped(bytes, ContentKind.YAML, folder), null);
    } catch (RequestException e) {
      var where = e.pointer().isEmpty() ? "" : " at " + e.pointer();
      return refused(folder, "flora.yaml%s: %s".formatted(where, e.getMessage()), e.hint());
    }
  }

  /** A run that says why nothing was done: better than silence, and no loop. */
  private static Asked refused(String folder, String message, @Nullable String hint) {
    return new Asked(
        RequestReader.dropped(folder), new Failure(ErrorCode.REQUEST_INVALID, message, hint));
  }
}
