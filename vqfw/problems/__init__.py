"""Problems of an experiment, each with its repair: found, worded, explained, printed."""
