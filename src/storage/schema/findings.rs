//! Tables of what follows from labels: models, consensus, reviews, releases, validation.

diesel::table! {
    models (campaign_id, number) {
        campaign_id -> BigInt,
        number -> Integer,
        method -> Text,
        method_version -> Text,
        tables -> Binary,
        window_tables -> Nullable<Binary>,
        labels -> BigInt,
        gold_tiles -> Integer,
        identifiable -> Bool,
        labels_until -> BigInt,
        fitted_at -> BigInt,
    }
}

diesel::table! {
    skills (campaign_id, model, volunteer_id) {
        campaign_id -> BigInt,
        model -> Integer,
        volunteer_id -> BigInt,
        weight -> Double,
        accuracy -> Double,
        labels -> Integer,
        gold_labels -> Integer,
        gold_correct -> Integer,
        tables -> Binary,
        window_wrong -> Nullable<Double>,
        window_late -> Nullable<Double>,
        quarantine -> Nullable<Text>,
    }
}

diesel::table! {
    consensus (tile) {
        tile -> BigInt,
        campaign_id -> BigInt,
        model -> Integer,
        method -> Text,
        method_version -> Text,
        class -> Nullable<SmallInt>,
        probability -> Nullable<Double>,
        probabilities -> Text,
        labels -> SmallInt,
        answers -> Text,
        agreement -> Nullable<Double>,
        entropy -> Double,
        evidence -> Double,
        effective_redundancy -> Double,
        unusable_share -> Double,
        date_before -> Nullable<BigInt>,
        date_after -> Nullable<BigInt>,
        window_probability -> Nullable<Double>,
        window_probabilities -> Nullable<Text>,
        closed_reason -> Nullable<Text>,
        changed_at -> BigInt,
    }
}

diesel::table! {
    reviews (id) {
        id -> Binary,
        body_hash -> Binary,
        tile -> BigInt,
        campaign_id -> BigInt,
        reviewer_id -> BigInt,
        answer -> SmallInt,
        last_intact -> Nullable<BigInt>,
        first_damaged -> Nullable<BigInt>,
        note -> Text,
        decided_at -> BigInt,
        is_current -> Bool,
        in_force -> Bool,
        withdrawn_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    review_holds (tile) {
        tile -> BigInt,
        campaign_id -> BigInt,
        reviewer_id -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    releases (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        version -> Integer,
        level -> Text,
        model -> Integer,
        manifest -> Text,
        citation -> Text,
        changes -> Text,
        notes -> Text,
        created_by -> Nullable<BigInt>,
        as_of -> BigInt,
    }
}

diesel::table! {
    coarse_cells (release_id, z, x, y) {
        release_id -> BigInt,
        z -> SmallInt,
        x -> Integer,
        y -> Integer,
        tiles -> BigInt,
        closed -> BigInt,
        labels -> BigInt,
        classes -> Text,
    }
}

diesel::table! {
    samples (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        number -> Integer,
        settings -> Text,
        strata -> Text,
        left_out -> Text,
        tile_area_m2 -> Nullable<Double>,
        model -> Integer,
        created_by -> Nullable<BigInt>,
        drawn_at -> BigInt,
    }
}

diesel::table! {
    sample_tiles (sample_id, tile) {
        sample_id -> BigInt,
        tile -> BigInt,
        place -> Integer,
        stratum -> SmallInt,
        class -> SmallInt,
    }
}

diesel::table! {
    grades (sample_id, tile, volunteer_id) {
        sample_id -> BigInt,
        tile -> BigInt,
        volunteer_id -> BigInt,
        turn -> Nullable<SmallInt>,
        answer -> SmallInt,
        seconds -> Nullable<Double>,
        graded_at -> BigInt,
    }
}
