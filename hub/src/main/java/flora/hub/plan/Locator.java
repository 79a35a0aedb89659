package flora.hub.plan;

import flora.hub.HubException;
import flora.hub.RepoCopies;
import flora.hub.RepoType;
import flora.schemas.RepoId;

/** Finds out what a repository consists of, and who has it. */
@FunctionalInterface
public interface Locator {

  /**
   * The commit that a revision stands for, its files, and where they can be had.
   *
   * @param useMirror {@code "true"}, {@code "false"} or a mirror's name
   * @throws HubException when nobody can or may tell
   */
  RepoCopies locate(RepoType type, RepoId repo, String revision, String useMirror)
      throws InterruptedException;
}
