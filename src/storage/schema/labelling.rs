//! Tables of tiles on their way to volunteers, and what comes back.

diesel::table! {
    queue (tile) {
        tile -> BigInt,
        campaign_id -> BigInt,
        state -> Text,
        gold -> Nullable<Text>,
        counted -> SmallInt,
        leased -> SmallInt,
        needed -> SmallInt,
        maximum -> SmallInt,
        skips -> SmallInt,
        priority -> SmallInt,
        bucket -> SmallInt,
        first_settled_at -> Nullable<SmallInt>,
        shuffle_key -> BigInt,
        available -> Bool,
        closed_at -> Nullable<BigInt>,
        withdrawn -> Bool,
        lacks_pictures -> Bool,
    }
}

diesel::table! {
    change_hints (campaign_id) {
        campaign_id -> BigInt,
        fingerprint -> Text,
        computed_at -> BigInt,
    }
}

diesel::table! {
    ring_positions (volunteer_id, campaign_id, priority, bucket) {
        volunteer_id -> BigInt,
        campaign_id -> BigInt,
        priority -> SmallInt,
        bucket -> SmallInt,
        position -> BigInt,
    }
}

diesel::table! {
    leases (id) {
        id -> BigInt,
        tile -> BigInt,
        campaign_id -> BigInt,
        volunteer_id -> BigInt,
        granted_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    labels (id) {
        id -> Binary,
        body_hash -> Binary,
        tile -> BigInt,
        campaign_id -> BigInt,
        volunteer_id -> BigInt,
        lease_id -> BigInt,
        revision -> SmallInt,
        answer -> SmallInt,
        window_given -> Bool,
        last_intact -> Nullable<BigInt>,
        first_damaged -> Nullable<BigInt>,
        seconds -> Nullable<Double>,
        client -> Nullable<Text>,
        client_at -> Nullable<BigInt>,
        leased_at -> BigInt,
        received_at -> BigInt,
        status -> Text,
        tile_state -> Text,
        last_scene -> Nullable<BigInt>,
    }
}

diesel::table! {
    current_labels (tile, volunteer_id) {
        tile -> BigInt,
        volunteer_id -> BigInt,
        campaign_id -> BigInt,
        label_id -> Binary,
        answer -> SmallInt,
        window_given -> Bool,
        last_intact -> Nullable<BigInt>,
        first_damaged -> Nullable<BigInt>,
        counted -> Bool,
        excluded -> Bool,
        first_received_at -> BigInt,
        censored -> Nullable<Text>,
    }
}

diesel::table! {
    before_exclusion (tile) {
        tile -> BigInt,
        campaign_id -> BigInt,
        state -> Text,
        needed -> SmallInt,
        first_settled_at -> Nullable<SmallInt>,
        closed_at -> Nullable<BigInt>,
        labels -> Text,
    }
}

diesel::table! {
    notes (id) {
        id -> Binary,
        tile -> BigInt,
        campaign_id -> BigInt,
        volunteer_id -> BigInt,
        label_id -> Nullable<Binary>,
        flagged -> Bool,
        text -> Text,
        created_at -> BigInt,
        resolved_by -> Nullable<BigInt>,
        resolved_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    gold (tile) {
        tile -> BigInt,
        campaign_id -> BigInt,
        kind -> Text,
        answer -> SmallInt,
        last_intact -> Nullable<BigInt>,
        first_damaged -> Nullable<BigInt>,
        explanation -> Text,
        uses -> Integer,
        worn_out_at -> Nullable<BigInt>,
        created_by -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    gold_texts (tile, language) {
        tile -> BigInt,
        language -> Text,
        explanation -> Text,
    }
}

diesel::table! {
    practice_answers (tile, volunteer_id) {
        tile -> BigInt,
        volunteer_id -> BigInt,
        campaign_id -> BigInt,
        answer -> SmallInt,
        correct -> Bool,
        answered_at -> BigInt,
    }
}
