//! The multi-call binary: the name it was started by says which program it is.

fn main() {}
