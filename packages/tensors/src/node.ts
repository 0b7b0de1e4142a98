// The parts of the package that need a file system.
