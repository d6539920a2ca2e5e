//! The http room: parse, authorise, call one service, reply. This file is the table of all routes.
//!
//! Handlers reach the database only through [`gate`], where the role they need is part of their signature. Status codes
//! stand in [`error`] alone. What stands before any route is in `server`: the entrance, which sends away what is too
//! much, and the envelope, which gives every request its headers, id and log line. The other folders are the rooms of
//! `services`, by the same names.

mod base;
mod body;
mod caller;
mod campaigns;
pub mod error;
mod frozen;
pub mod gate;
mod gold;
mod gone;
mod labelling;
mod language;
mod maps;
mod ogc;
mod openapi;
mod oversight;
mod pages;
mod people;
mod ranges;
mod roles;
mod scenes;
mod server;
mod table;
mod wire;

use actix_web::guard;
use actix_web::middleware::Compress;
use actix_web::web::{PathConfig, QueryConfig, ServiceConfig, route, scope};

use campaigns::{plan, progress, setup};
use error::Error;
pub use gate::App;
use labelling::{labels, leases, notes, standing, training};
use maps::{exports, exports_compat, map_rows, map_tiles, releases, tilejson, validation};
pub use openapi::document;
use oversight::{
    announcements, audit_log, events, reviews, statistics, statistics_map, steering, volunteers, withdrawals,
};
use pages::web;
use people::{accounts, invitations, members, person, second_factor, session, sessions, tokens};
use scenes::{images, jobs, tile_hosts, uploads};
use server::health;
pub use server::{Deadlines, Limits, Origin, Server, ServerOptions, Shares, TlsFiles};
pub use table::{Listed, listed};
use table::{at, delete, get, patch, post, put};

/// Every address of the server, and who answers it.
pub fn routes(config: &mut ServiceConfig) {
    config
        .app_data(PathConfig::default().error_handler(|error, _| Error::not_found(error.to_string()).into()))
        .app_data(QueryConfig::default().error_handler(|error, _| Error::unreadable(error.to_string()).into()))
        // Images are compressed already, and there are many of them.
        .service(at("/tiles/{scene_id}/{z}/{x}/{y}", [get(images::get_tile_image)]))
        // Events leave one by one, not in compressed blocks.
        .service(at("/api/v1/campaigns/{slug}/events", [get(events::campaign_events)]))
        .service(
            at("/api/v1/campaigns/{slug}/exports/{file}", [get(exports_compat::download_compat)])
                .guard(guard::fn_guard(exports_compat::is_asked)),
        )
        // Downloads are sent in ranges of the very bytes that their checksum names.
        .service(at("/api/v1/campaigns/{slug}/exports/{file}", [get(exports::download_export)]))
        // Files that never change, and parts of them: their checksums are of these very bytes.
        .service(at("/api/v1/campaigns/{slug}/releases/{version}/{file}", [get(releases::download)]))
        .service(at("/healthz", [get(health::healthz)]))
        .service(at("/readyz", [get(health::readyz)]))
        // labelling: answers of a few hundred bytes, which compression would only make slower
        .service(at("/api/v1/campaigns/{slug}/leases", [post(leases::take_leases)]))
        .service(at("/api/v1/leases/renew", [post(leases::renew_leases)]))
        .service(at("/api/v1/leases/release", [post(leases::release_leases)]))
        .service(at("/api/v1/leases/{id}", [delete(leases::release_lease)]))
        .service(at("/api/v1/labels", [post(labels::submit_labels)]))
        .service(
            scope("")
                .wrap(Compress::default())
                .service(at("/api/v1/openapi.json", [get(openapi::serve)]))
                .configure(who_i_am)
                .configure(campaigns)
                .configure(steering)
                .configure(setting_up)
                .configure(members)
                .configure(map)
                .configure(training)
                .configure(volunteers)
                .configure(programs)
                .configure(releases)
                .configure(validation)
                .configure(reviews)
                .configure(gold)
                // the page itself, and everything that is not there
                .default_service(route().to(web::page)),
        );
}

/// Who I am: accounts, sessions, tokens, and my data.
fn who_i_am(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/guests", [post(accounts::create_guest)]))
        .service(at("/api/v1/accounts", [post(accounts::create_account)]))
        .service(at("/api/v1/session", [get(session::get_session), post(session::sign_in), delete(session::sign_out)]))
        .service(at("/api/v1/session/refresh", [post(session::refresh_session)]))
        .service(at("/api/v1/session/recovery", [post(accounts::recover_account)]))
        .service(at("/api/v1/session/proof", [post(sessions::prove)]))
        .service(at("/api/v1/accounts/recovery", [post(members::reset_password)]))
        .service(at("/api/v1/accounts/second-factor", [delete(second_factor::remove_second_factor_of)]))
        .service(at("/api/v1/me", [delete(person::delete_me)]))
        .service(at("/api/v1/me/password", [post(accounts::change_password)]))
        .service(at(
            "/api/v1/me/second-factor",
            [post(second_factor::begin_second_factor), delete(second_factor::remove_second_factor)],
        ))
        .service(at("/api/v1/me/second-factor/confirm", [post(second_factor::confirm_second_factor)]))
        .service(at("/api/v1/me/sessions", [get(sessions::list_sessions)]))
        .service(at("/api/v1/me/sessions/{id}", [delete(sessions::end_session)]))
        .service(at("/api/v1/me/data", [get(person::get_my_data)]))
        .service(at("/api/v1/me/tokens", [get(tokens::list_tokens), post(tokens::create_token)]))
        .service(at("/api/v1/me/tokens/{id}", [delete(tokens::revoke_token)]));
}

/// Campaigns, and how they are doing.
fn campaigns(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns", [get(campaigns::list_campaigns), post(setup::create_campaign)]))
        .service(at("/api/v1/campaigns/{slug}", [get(campaigns::get_campaign), delete(setup::delete_campaign)]))
        .service(at("/api/v1/campaigns/{slug}/state", [post(campaigns::set_campaign_state)]))
        .service(at("/api/v1/campaigns/{slug}/statistics", [get(statistics::get_statistics)]))
        .service(at("/api/v1/campaigns/{slug}/statistics/map", [get(statistics_map::get_statistics_map)]))
        .service(at("/api/v1/campaigns/{slug}/progress", [get(progress::get_progress)]))
        .service(at("/api/v1/campaigns/{slug}/map.json", [get(tilejson::get_map_tiles)]))
        .service(at("/api/v1/scenes/{id}/tiles.json", [get(tilejson::get_scene_tiles)]));
}

/// Steering a campaign that runs.
fn steering(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/steering", [get(steering::get_steering)]))
        .service(at("/api/v1/campaigns/{slug}/steering/areas", [post(steering::set_areas)]))
        .service(at("/api/v1/campaigns/{slug}/steering/policy", [post(steering::change_policy)]))
        .service(at("/api/v1/campaigns/{slug}/steering/policy/preview", [post(steering::preview_policy)]))
        .service(at("/api/v1/campaigns/{slug}/steering/extension", [post(steering::extend)]))
        .service(at("/api/v1/campaigns/{slug}/withdrawals", [post(withdrawals::withdraw)]))
        .service(at("/api/v1/campaigns/{slug}/withdrawals/{id}/lift", [post(withdrawals::bring_back)]));
}

/// Setting a campaign up.
fn setting_up(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/settings", [get(setup::get_settings), put(setup::change_settings)]))
        .service(at("/api/v1/campaigns/{slug}/uploads", [get(uploads::list_uploads), post(uploads::begin_upload)]))
        .service(at(
            "/api/v1/campaigns/{slug}/uploads/{id}",
            [get(uploads::get_upload), patch(uploads::continue_upload), delete(uploads::remove_upload)],
        ))
        .service(at("/api/v1/campaigns/{slug}/files", [get(uploads::list_files)]))
        .service(at("/api/v1/campaigns/{slug}/tile-hosts", [get(tile_hosts::list_tile_hosts)]))
        .service(at("/api/v1/campaigns/{slug}/jobs", [get(jobs::list_jobs), post(jobs::ask_for_job)]))
        .service(at("/api/v1/campaigns/{slug}/jobs/{id}", [get(jobs::get_job)]))
        .service(at("/api/v1/campaigns/{slug}/jobs/{id}/cancel", [post(jobs::cancel_job)]))
        .service(at("/api/v1/campaigns/{slug}/scenes", [get(scenes::list_scenes)]))
        .service(at(
            "/api/v1/campaigns/{slug}/scenes/{id}",
            [patch(scenes::change_scene), delete(scenes::remove_scene)],
        ))
        .service(at("/api/v1/campaigns/{slug}/estimate", [get(plan::get_estimate)]))
        .service(at("/api/v1/campaigns/{slug}/checklist", [get(plan::get_checklist)]))
        .service(at("/api/v1/campaigns/{slug}/preview", [get(plan::get_preview)]));
}

/// Who takes part, and who did what.
fn members(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/invitations/look", [post(invitations::look_at_invitation)]))
        .service(at("/api/v1/invitations/accept", [post(invitations::accept_invitation)]))
        .service(at(
            "/api/v1/campaigns/{slug}/invitations",
            [get(invitations::list_invitations), post(invitations::make_invitation)],
        ))
        .service(at("/api/v1/campaigns/{slug}/invitations/{id}", [delete(invitations::revoke_invitation)]))
        .service(at("/api/v1/campaigns/{slug}/members", [get(members::list_members), post(members::add_member)]))
        .service(at(
            "/api/v1/campaigns/{slug}/members/{id}",
            [post(members::change_member), delete(members::remove_member)],
        ))
        .service(at("/api/v1/campaigns/{slug}/audit", [get(audit_log::list_entries)]))
        .service(at("/api/v1/campaigns/{slug}/audit/{file}", [get(audit_log::download_log)]));
}

/// The damage map on a map.
fn map(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/map/statistics", [get(map_tiles::get_map_statistics)]))
        .service(at("/api/v1/campaigns/{slug}/map/tiles", [get(map_rows::list_map_tiles)]))
        .service(at("/api/v1/campaigns/{slug}/map/tiles/{tile_id}", [get(map_rows::get_map_tile_in_full)]))
        .service(at("/api/v1/campaigns/{slug}/map/{z}/{x}/{y}.mvt", [get(map_tiles::get_map_tile)]));
}

/// Training, notes, how I do.
fn training(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/training", [get(training::get_training)]))
        .service(at("/api/v1/campaigns/{slug}/practice", [post(training::practise)]))
        .service(at("/api/v1/campaigns/{slug}/me", [get(standing::get_my_standing)]))
        .service(at("/api/v1/campaigns/{slug}/me/misses", [get(standing::list_my_misses)]))
        .service(at("/api/v1/campaigns/{slug}/leaderboard", [get(standing::get_leaderboard)]))
        .service(at("/api/v1/campaigns/{slug}/notes", [get(notes::list_notes), post(notes::post_note)]))
        .service(at("/api/v1/campaigns/{slug}/notes/{id}/resolve", [post(notes::resolve_note)]));
}

/// Volunteers, and what they are told.
fn volunteers(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/volunteers", [get(volunteers::list_volunteers)]))
        .service(at("/api/v1/campaigns/{slug}/volunteers/{name}", [get(volunteers::get_volunteer)]))
        .service(at("/api/v1/campaigns/{slug}/rings", [get(volunteers::list_rings)]))
        .service(at("/api/v1/campaigns/{slug}/exclusions", [post(volunteers::exclude_volunteers)]))
        .service(at("/api/v1/campaigns/{slug}/exclusions/lift", [post(volunteers::lift_exclusions)]))
        .service(at(
            "/api/v1/campaigns/{slug}/announcements",
            [get(announcements::list_announcements), post(announcements::announce)],
        ))
        .service(at("/api/v1/campaigns/{slug}/announcements/all", [get(announcements::list_written_announcements)]))
        .service(at("/api/v1/campaigns/{slug}/announcements/{id}", [delete(announcements::withdraw_announcement)]))
        .service(at("/api/v1/campaigns/{slug}/announcements/{id}/read", [post(announcements::put_announcement_away)]));
}

/// For people and programs that come without the page.
fn programs(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/docs", [get(pages::docs::api_docs)]))
        .service(at(pages::STYLE_ADDRESS, [get(pages::style)]))
        .service(at(pages::embed::ADDRESS, [get(pages::embed::embed)]))
        .service(at("/ogc", [get(ogc::landing)]))
        .service(at("/ogc/", [get(ogc::landing)]))
        .service(at("/ogc/conformance", [get(ogc::conformance)]))
        .service(at("/ogc/api", [get(ogc::api)]))
        .service(at("/ogc/collections", [get(ogc::collections)]))
        .service(at("/ogc/collections/{slug}-{layer:tiles|scenes|area}", [get(ogc::collection)]))
        .service(at("/ogc/collections/{slug}-{layer:tiles|scenes|area}/schema", [get(ogc::schema)]))
        .service(at("/ogc/collections/{slug}-{layer:tiles|scenes|area}/items", [get(ogc::items)]))
        .service(at("/ogc/collections/{slug}-{layer:tiles|scenes|area}/items/{feature}", [get(ogc::item)]));
}

/// Releases.
fn releases(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/releases", [get(releases::list), post(releases::make)]))
        .service(at("/api/v1/campaigns/{slug}/releases/{version}", [get(releases::one)]))
        .service(at("/api/v1/campaigns/{slug}/cells", [get(releases::cells)]));
}

/// Validation.
fn validation(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/validation", [get(validation::list), post(validation::draw)]))
        .service(at("/api/v1/campaigns/{slug}/validation/{number}", [get(validation::report)]))
        .service(at("/api/v1/campaigns/{slug}/validation/{number}/desk", [get(validation::desk)]))
        .service(at("/api/v1/campaigns/{slug}/validation/{number}/grades", [post(validation::grade)]))
        .service(at("/api/v1/campaigns/{slug}/validation/{number}/{file}", [get(validation::download)]));
}

/// Reviews.
fn reviews(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/reviews", [get(reviews::list), post(reviews::decide)]))
        .service(at("/api/v1/campaigns/{slug}/reviews/queue", [get(reviews::queue)]))
        .service(at("/api/v1/campaigns/{slug}/reviews/holds", [post(reviews::hold)]))
        .service(at("/api/v1/campaigns/{slug}/reviews/{id}", [delete(reviews::withdraw)]))
        .service(at("/api/v1/campaigns/{slug}/reviews/tiles/{tile_id}", [get(reviews::tile)]));
}

/// Gold.
fn gold(config: &mut ServiceConfig) {
    config
        .service(at("/api/v1/campaigns/{slug}/gold", [get(gold::list), post(gold::mark)]))
        .service(at("/api/v1/campaigns/{slug}/gold/import", [post(gold::import)]))
        .service(at("/api/v1/campaigns/{slug}/gold/{tile_id}", [post(gold::change)]))
        .service(at("/api/v1/campaigns/{slug}/gold/{tile_id}/retire", [post(gold::retire)]));
}
