//! The imagery room on real pictures and on pictures drawn for the purpose.

mod gdal;
mod helpers;
mod nasty;
mod outlines;
mod place;
mod real;
mod soak;
mod town;
