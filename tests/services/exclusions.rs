//! People who were paused or excluded: no tiles for them, and nothing they send is lost.

use aftermap::domain::consensus::TileState;
use aftermap::domain::label::LabelStatus;
use aftermap::services::Error;
use aftermap::services::hand_out::{Request, hand_out};
use aftermap::services::release_lease;
use aftermap::storage::new_id;
use aftermap::storage::schema::{exclusions, volunteers};
use diesel::prelude::*;

use crate::town::{NOON, Town, policy, towns};

async fn exclude(town: &Town, volunteer: i64, kind: &'static str) {
    let campaign = town.campaign.id;
    town.run(move |conn| {
        let row = (
            exclusions::id.eq(new_id()),
            exclusions::campaign_id.eq(campaign),
            exclusions::volunteer_id.eq(volunteer),
            exclusions::kind.eq(kind),
            exclusions::reason.eq("a talk first"),
            exclusions::created_by.eq(volunteer),
            exclusions::created_at.eq(NOON),
        );
        diesel::insert_into(exclusions::table).values(row).execute(conn)?;
        Ok(())
    })
    .await;
}

async fn lift(town: &Town, volunteer: i64) {
    town.run(move |conn| {
        let mine = exclusions::table.filter(exclusions::volunteer_id.eq(volunteer));
        let lifted = (exclusions::lifted_at.eq(NOON), exclusions::lifted_by.eq(volunteer));
        diesel::update(mine).set(lifted).execute(conn)?;
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_excluded_gets_no_tiles_and_is_told_why() {
    for town in towns(5, policy()).await {
        for kind in ["paused", "excluded"] {
            let me = town.volunteer().await;
            let ask =
                || hand_out(&town.store, &town.campaign, Request { volunteer: me, count: 1, again: true, seed: 1 });
            assert_eq!(ask().await.unwrap().len(), 1);
            exclude(&town, me, kind).await;
            let refused = ask().await;
            assert!(matches!(&refused, Err(Error::Excluded(why)) if why == "a talk first"), "{refused:?}");
            lift(&town, me).await;
            assert_eq!(ask().await.unwrap().len(), 1, "{kind} on {}", town.name);
        }
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_an_excluded_volunteer_are_kept_and_never_counted() {
    for town in towns(1, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await.id;
        exclude(&town, me, "excluded").await;
        let told = town.answer(me, lease, "destroyed", NOON).await;
        assert_eq!(told, Ok((LabelStatus::Surplus, TileState::Open)));
        // Nor when a place becomes free, or when they think again.
        let other = town.volunteer().await;
        let held = town.one(other, NOON).await.id;
        town.run(move |conn| release_lease::release(conn, other, held, false, NOON)).await;
        assert_eq!(town.answer(me, lease, "damaged", NOON).await, Ok((LabelStatus::Revised, TileState::Open)));
        let row = town.row(town.tiles[0]).await;
        assert_eq!((row.counted, row.leased, town.logged().await), (0, 0, 2), "on {}", town.name);
        for _ in 0..3 {
            town.another_says("no_visible_damage", NOON).await.expect("a label");
        }
        assert_eq!(town.row(town.tiles[0]).await.state, TileState::Settled);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_paused_volunteer_holds_may_be_answered_and_brings_no_more() {
    for town in towns(3, policy()).await {
        let me = town.volunteer().await;
        let lease = town.one(me, NOON).await.id;
        exclude(&town, me, "paused").await;
        let reply = town.send(me, vec![crate::town::label(lease, "destroyed")], NOON).await;
        let told = crate::town::outcome(&reply.results[0]);
        assert_eq!((told, reply.leases.len()), (Ok((LabelStatus::Stored, TileState::Open)), 0), "on {}", town.name);
        town.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_deleted_while_the_request_was_under_way_is_given_nothing() {
    for town in towns(5, policy()).await {
        let me = town.volunteer().await;
        let ask = || hand_out(&town.store, &town.campaign, Request { volunteer: me, count: 2, again: true, seed: 1 });
        town.run(move |conn| {
            diesel::update(volunteers::table.find(me)).set(volunteers::deleted_at.eq(NOON)).execute(conn)?;
            Ok(())
        })
        .await;
        assert_eq!(ask().await.unwrap(), [], "on {}", town.name);
        town.check().await;
    }
}
