package flora.fetcher;

import flora.fetcher.download.DownloadSettings;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How the fetch stage works.
 *
 * @param parallelFiles how many files are on their way at once
 */
@ConfigurationProperties("fetcher")
record FetcherProperties(@DefaultValue("4") int parallelFiles) {

  FetcherProperties {
    if (parallelFiles < 1 || parallelFiles > 64) {
      throw new IllegalArgumentException(
          "fetcher.parallel-files must be 1 to 64, got " + parallelFiles);
    }
  }

  DownloadSettings download() {
    return DownloadSettings.DEFAULT.with(parallelFiles);
  }
}
