"""Problems of an experiment: error messages with their repairs, explained and printed."""
