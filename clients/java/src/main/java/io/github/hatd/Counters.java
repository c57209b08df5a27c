package io.github.hatd;

/**
 * What a watch has been through.
 *
 * @param reconnects how often the stream ended, or could not be opened, and the watch went on
 * @param resets how many resets came, that of an initial snapshot included
 * @param chainBreaks how often something was found to be lost, and the watch started again with a
 *     snapshot
 */
public record Counters(long reconnects, long resets, long chainBreaks) {}
