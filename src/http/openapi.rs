//! The description of the API (OpenAPI 3.1), generated from the handlers. `openapi.json` in the repository is this text.

use actix_web::HttpResponse;
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder, Schema};
use utoipa::{Modify, OpenApi};

use super::error::{PROBLEM_JSON, Problem};
use super::{campaigns, gold, scenes};
use crate::http::campaigns::{plan, progress, setup};
use crate::http::labelling::{labels, leases, notes, standing, training};
use crate::http::maps::{exports, map_rows, map_tiles, releases, tilejson, validation};
use crate::http::oversight::{
    announcements, audit_log, events, reviews, statistics, statistics_map, steering, volunteers, withdrawals,
};
use crate::http::people::{accounts, invitations, members, person, second_factor, session, sessions, tokens};
use crate::http::scenes::{images, jobs, tile_hosts, uploads};

#[derive(OpenApi)]
#[openapi(
    components(schemas(Problem, plan::KindWanted, crate::domain::volunteer_quality::SortBy)),
    info(title = "aftermap", description = "A crowd compares satellite images; its labels become a damage map."),
    paths(
        accounts::create_guest,
        accounts::create_account,
        session::get_session,
        session::sign_in,
        session::sign_out,
        session::refresh_session,
        sessions::prove,
        second_factor::begin_second_factor,
        second_factor::confirm_second_factor,
        second_factor::remove_second_factor,
        second_factor::remove_second_factor_of,
        sessions::list_sessions,
        sessions::end_session,
        accounts::recover_account,
        accounts::change_password,
        person::get_my_data,
        person::delete_me,
        tokens::list_tokens,
        tokens::create_token,
        tokens::revoke_token,
        campaigns::list_campaigns,
        campaigns::get_campaign,
        setup::delete_campaign,
        campaigns::set_campaign_state,
        setup::create_campaign,
        setup::get_settings,
        setup::change_settings,
        uploads::begin_upload,
        uploads::list_uploads,
        uploads::get_upload,
        uploads::continue_upload,
        uploads::remove_upload,
        uploads::list_files,
        tile_hosts::list_tile_hosts,
        jobs::ask_for_job,
        jobs::list_jobs,
        jobs::get_job,
        jobs::cancel_job,
        scenes::list_scenes,
        scenes::change_scene,
        scenes::remove_scene,
        plan::get_estimate,
        plan::get_checklist,
        plan::get_preview,
        events::campaign_events,
        statistics::get_statistics,
        statistics_map::get_statistics_map,
        progress::get_progress,
        exports::download_export,
        map_tiles::get_map_statistics,
        map_rows::list_map_tiles,
        map_rows::get_map_tile_in_full,
        map_tiles::get_map_tile,
        training::get_training,
        training::practise,
        standing::get_my_standing,
        standing::list_my_misses,
        standing::get_leaderboard,
        notes::list_notes,
        notes::post_note,
        notes::resolve_note,
    volunteers::list_volunteers, volunteers::get_volunteer, volunteers::list_rings, volunteers::exclude_volunteers, volunteers::lift_exclusions, announcements::list_announcements, announcements::announce, announcements::list_written_announcements, announcements::withdraw_announcement, announcements::put_announcement_away, steering::get_steering, steering::set_areas, steering::change_policy, steering::preview_policy, steering::extend, withdrawals::withdraw, withdrawals::bring_back,
        invitations::list_invitations,
        invitations::make_invitation,
        invitations::revoke_invitation,
        invitations::look_at_invitation,
        invitations::accept_invitation,
        members::list_members,
        members::add_member,
        members::change_member,
        members::remove_member,
        members::reset_password,
        audit_log::list_entries,
        audit_log::download_log,
        releases::list,
        releases::make,
        releases::one,
        releases::download,
        releases::cells,
        validation::list,
        validation::draw,
        validation::report,
        validation::desk,
        validation::grade,
        validation::download,
        reviews::list,
        reviews::decide,
        reviews::queue,
        reviews::hold,
        reviews::withdraw,
        reviews::tile,
        gold::list,
        gold::mark,
        gold::change,
        gold::retire,
        gold::import,
        leases::take_leases,
        leases::renew_leases,
        leases::release_leases,
        leases::release_lease,
        labels::submit_labels,
        images::get_tile_image,
        tilejson::get_scene_tiles,
        tilejson::get_map_tiles,
    ),
    modifiers(&Refusals, &Unions)
)]
struct Api;

/// Lets the parts of a union hold the field that tells them apart: it stands beside them, and "no other fields" would
/// exclude it, so that nothing at all would fit. The server itself still refuses unknown fields.
struct Unions;

impl Modify for Unions {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let Some(components) = &mut api.components else { return };
        let parts: Vec<String> = components.schemas.values().flat_map(parts_of).collect();
        for name in parts {
            if let Some(RefOr::T(Schema::Object(part))) = components.schemas.get_mut(&name) {
                part.additional_properties = None;
            }
        }
    }
}

/// The names of what a union is made of, where each part stands beside the field that tells them apart.
fn parts_of(schema: &RefOr<Schema>) -> Vec<String> {
    let RefOr::T(Schema::OneOf(union)) = schema else { return Vec::new() };
    let all = union.items.iter().filter_map(|part| match part {
        RefOr::T(Schema::AllOf(all)) => Some(&all.items),
        _ => None,
    });
    let named = all.flatten().filter_map(|part| match part {
        RefOr::Ref(part) => part.ref_location.rsplit('/').next().map(str::to_owned),
        RefOr::T(_) => None,
    });
    named.collect()
}

/// Adds to every operation that it may be refused, and how that reads.
struct Refusals;

impl Modify for Refusals {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let refusal = ResponseBuilder::new()
            .description("Refused or failed, with the reason")
            .content(PROBLEM_JSON, Content::new(Some(Ref::from_schema_name("Problem"))))
            .build();
        for path in api.paths.paths.values_mut() {
            for operation in
                [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete].into_iter().flatten()
            {
                for response in operation.responses.responses.values_mut() {
                    if let RefOr::T(response) = response
                        && response.description.is_empty()
                    {
                        response.description = "Done".into();
                    }
                }
                operation.responses.responses.insert("default".into(), RefOr::T(refusal.clone()));
            }
        }
    }
}

/// The document as text, with a line end.
pub fn document() -> String {
    // A document made of constants can always be written.
    let text = Api::openapi().to_pretty_json().unwrap_or_default();
    text + "\n"
}

/// The document over HTTP.
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}
