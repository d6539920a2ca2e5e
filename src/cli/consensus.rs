//! `aftermap consensus`: the voting core as a tool of its own, CSV in, CSV out.
