//! The imagery room on real pictures and on pictures drawn for the purpose.

mod gdal;
mod helpers;
mod nasty;
mod place;
mod real;
mod town;
