//! What is read to make a damage map, and what is kept of one: releases and samples.

pub mod damage_map;
pub mod label_log;
pub mod map_search;
pub mod map_state;
pub mod releases;
pub mod standing;
pub mod validation;
