package flora.hub;

import java.util.List;

/** A repository at one commit, and where the bytes of its files can be had. Thread-safe. */
public interface RepoCopies {

  /** The commit and its files. */
  RepoListing listing();

  /** Who has these very bytes, the best first; more may turn up while a download is under way. */
  List<FileSource> sources(HubFile file);
}
