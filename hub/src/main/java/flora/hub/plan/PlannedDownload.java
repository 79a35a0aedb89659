package flora.hub.plan;

import flora.hub.RepoCopies;

/** What to get of a repository, and from where. */
public record PlannedDownload(DownloadPlan plan, RepoCopies copies) {}
