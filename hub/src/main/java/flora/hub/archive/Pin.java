package flora.hub.archive;

/**
 * Says that a commit is to stay, whatever the clean-up has to make room for.
 *
 * @param revision a branch or tag, which pins whatever it stands for; or a commit
 */
public record Pin(String revision) {}
