//! The HTTP interface, tested from outside: a real server on a free port for each test. Mirrors `src/http`.

mod accounts;
mod announcements;
mod audit;
mod authorization;
mod campaigns;
mod compat;
mod database;
mod events;
mod examples;
mod exports;
mod gold;
mod helpers;
mod images;
mod invitations;
mod labels;
mod languages;
mod leases;
mod map;
mod notes;
mod ogc;
mod openapi;
mod overload;
mod person;
mod progress;
mod refusals;
mod releases;
mod remote;
mod reviews;
mod scripting;
mod session;
mod setup;
mod setup_kill;
mod slow;
mod standing;
mod statistics;
mod steering;
mod tls;
mod tokens;
mod town;
mod training;
mod validation;
mod volunteers;
mod web;

#[path = "../support/mod.rs"]
mod support;
