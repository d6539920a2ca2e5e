//! Roles and states that change while somebody's request is under way: what was read before the campaign was locked is asked
//! again.

use aftermap::domain::access::{Person, Scopes, Viewer};
use aftermap::domain::campaign::CampaignState;
use aftermap::domain::pseudonym::pseudonym;
use aftermap::domain::second_factor::SecondFactor;
use aftermap::domain::volunteer::{Role, Volunteer};
use aftermap::domain::volunteer_quality::ExclusionKind;
use aftermap::services::Error;
use aftermap::services::campaigns::change_state::change_state;
use aftermap::services::oversight::exclude::{self, Order};
use aftermap::services::oversight::review::{self, NewDecision};
use aftermap::services::people::invite::{self, Wish};
use aftermap::services::people::{members, secrets};
use aftermap::storage::people::{invitations, roles};
use diesel::prelude::*;
use uuid::Uuid;

use crate::town::{NOON, Town, policy, towns};

/// Somebody with an account, as a request found them that came when they had these roles.
async fn came_with(town: &Town, name: &'static str, held: &[Role]) -> Viewer {
    use aftermap::storage::schema::volunteers;
    let id = town.volunteer().await;
    town.run(move |conn| {
        let named = (volunteers::name.eq(name), volunteers::name_key.eq(name));
        diesel::update(volunteers::table.find(id)).set(named).execute(conn)?;
        Ok(())
    })
    .await;
    let volunteer = Volunteer { id, name: Some(name.into()), admin: false, creator: false };
    let roles = held.iter().map(|role| (town.campaign.id, *role)).collect();
    let (proven_at, second_factor) = (Some(NOON), SecondFactor::None);
    Viewer::Person(Person { volunteer, roles, scopes: Scopes::ALL, proven_at, second_factor })
}

fn wish(role: Role, uses: u32) -> Wish {
    Wish { role, guests: false, uses, days: 3, note: String::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_coordinator_until_a_moment_ago_gives_no_role_and_makes_no_invitation() {
    for town in towns(1, policy()).await {
        let gone = came_with(&town, "gone", &[Role::Coordinator]).await;
        let friend = came_with(&town, "friend", &[]).await.volunteer_id().unwrap();
        let campaign = town.campaign.clone();
        let refused = town.store.write(move |conn| {
            let given = members::add(conn, &gone, &campaign, "friend", Role::Coordinator, NOON);
            let made = invite::make(conn, &gone, &campaign, &wish(Role::Coordinator, 1), &secrets::token(), NOON);
            Ok::<_, Error>((given.map(drop), made.map(drop)))
        });
        let (given, made) = refused.await.unwrap();
        assert!(matches!(given, Err(Error::Forbidden(_))), "{}: {given:?}", town.name);
        assert!(matches!(made, Err(Error::Forbidden(_))), "{}: {made:?}", town.name);
        let id = town.campaign.id;
        let held = town.run(move |conn| Ok(aftermap::storage::people::members::role_of(conn, id, friend)?)).await;
        assert_eq!(held, None, "{}", town.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_opened_twice_at_once_lets_in_twice_and_takes_one_use() {
    for town in towns(1, policy()).await {
        let maker = came_with(&town, "maker", &[Role::Coordinator]).await;
        let (id, maker_id) = (town.campaign.id, maker.volunteer_id().unwrap());
        let (campaign, secret) = (town.campaign.clone(), secrets::token());
        let link = secret.clone();
        town.run(move |conn| {
            roles::grant(conn, maker_id, id, Role::Coordinator, None, NOON)?;
            invite::make(conn, &maker, &campaign, &wish(Role::Reviewer, 3), &link, NOON)
        })
        .await;
        // Both requests were let through the gate before either wrote.
        let layla = came_with(&town, "layla", &[]).await;
        for _ in 0..2 {
            let (viewer, link) = (layla.clone(), secret.clone());
            let let_in = town.run(move |conn| invite::accept(conn, &viewer, &link, Default::default(), NOON)).await;
            assert_eq!(let_in, ("town".to_owned(), Role::Reviewer), "{}", town.name);
        }
        let left = town.run(move |conn| Ok(invitations::of_campaign(conn, id)?[0].uses_left)).await;
        assert_eq!(left, 2, "{}", town.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_and_an_exclusion_that_come_as_the_campaign_is_archived_are_refused() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await;
        town.answer(me, lease.id, "damaged", NOON).await.unwrap();
        let before = town.campaign.clone();
        for state in [CampaignState::Closed, CampaignState::Archived] {
            town.run(move |conn| change_state(conn, "town", state, None, NOON)).await;
        }
        let name = pseudonym(&before.pseudonym_key, me);
        let acts = town.store.write(move |conn| {
            let decision = NewDecision {
                id: Uuid::now_v7(),
                tile_id: "b0".into(),
                answer: "damaged".into(),
                window: None,
                note: String::new(),
            };
            let decided = review::decide(conn, &before, me, &decision, NOON).map(drop);
            let order = Order { volunteers: std::slice::from_ref(&name), actor: me, reason: "why" };
            let excluded = exclude::impose(conn, &before, ExclusionKind::Excluded, &order, NOON).map(drop);
            Ok::<_, Error>([decided, excluded])
        });
        for act in acts.await.unwrap() {
            assert!(matches!(act, Err(Error::Conflict(_))), "{}: {act:?}", town.name);
        }
    }
}
