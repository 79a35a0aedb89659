package flora.fetcher.convert;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import flora.tensors.pickle.PickleException;

/** Weights that are there only as a pickle, and one that is not read: damaged, or not just data. */
public final class PickleRefused extends PipelineException {

  PickleRefused(RepoId repo, PickleException cause) {
    super(repo + ": " + cause.getMessage(), cause);
  }

  PickleRefused(RepoId repo, String detail) {
    super(repo + ": " + detail);
  }

  @Override
  public ErrorCode code() {
    return ErrorCode.PICKLE_REFUSED;
  }

  @Override
  public String hint() {
    return "choose a repository or revision with .safetensors files; no pickle is ever executed";
  }
}
