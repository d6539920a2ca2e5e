//! The tables as diesel sees them: the same for both databases. `migrations/` is the source; a test compares the two.

#![allow(missing_docs)] // the tables are described in the migrations

diesel::table! {
    volunteers (id) {
        id -> BigInt,
        name -> Nullable<Text>,
        name_key -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        recovery_hash -> Nullable<Text>,
        admin -> Bool,
        had_account -> Bool,
        language -> Nullable<Text>,
        created_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        imported -> Bool,
    }
}

diesel::table! {
    sessions (id) {
        id -> BigInt,
        volunteer_id -> BigInt,
        refresh_hash -> Binary,
        previous_hash -> Nullable<Binary>,
        created_at -> BigInt,
        refreshed_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    personal_tokens (id) {
        id -> BigInt,
        volunteer_id -> BigInt,
        token_hash -> Binary,
        name -> Text,
        scopes -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    scales (id) {
        id -> BigInt,
        key -> Text,
        ordered -> Bool,
        heavy_from -> SmallInt,
        screening -> Nullable<Double>,
        built_in -> Bool,
    }
}

diesel::table! {
    scale_answers (scale_id, place) {
        scale_id -> BigInt,
        place -> SmallInt,
        key -> Text,
        role -> Text,
        low -> Nullable<SmallInt>,
        high -> Nullable<SmallInt>,
        code -> Integer,
    }
}

diesel::table! {
    campaigns (id) {
        id -> BigInt,
        slug -> Text,
        state -> Text,
        visibility -> Text,
        release_level -> Text,
        kind -> Text,
        tile_source -> Text,
        labelling_zoom -> Nullable<SmallInt>,
        scale_id -> BigInt,
        language -> Text,
        licence -> Nullable<Text>,
        synthetic -> Bool,
        area -> Nullable<Text>,
        west -> Nullable<Double>,
        south -> Nullable<Double>,
        east -> Nullable<Double>,
        north -> Nullable<Double>,
        pseudonym_key -> Binary,
        model -> Integer,
        created_at -> BigInt,
        opened_at -> Nullable<BigInt>,
        closed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    campaign_texts (campaign_id, language) {
        campaign_id -> BigInt,
        language -> Text,
        title -> Text,
        purpose -> Text,
        introduction -> Text,
        instructions -> Text,
        care_notice -> Text,
        help_lines -> Text,
        news -> Text,
    }
}

diesel::table! {
    guide_texts (campaign_id, language, answer) {
        campaign_id -> BigInt,
        language -> Text,
        answer -> SmallInt,
        text -> Text,
    }
}

diesel::table! {
    imports (campaign_id) {
        campaign_id -> BigInt,
        source -> Text,
        settings -> Text,
        started_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    policies (campaign_id) {
        campaign_id -> BigInt,
        settings -> Text,
    }
}

diesel::table! {
    roles (volunteer_id, campaign_id, role) {
        volunteer_id -> BigInt,
        campaign_id -> BigInt,
        role -> Text,
        granted_by -> Nullable<BigInt>,
        granted_at -> BigInt,
    }
}

diesel::table! {
    invitations (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        code_hash -> Binary,
        role -> Text,
        uses_left -> Integer,
        created_by -> Nullable<BigInt>,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    participations (campaign_id, volunteer_id) {
        campaign_id -> BigInt,
        volunteer_id -> BigInt,
        labels -> Integer,
        tiles_served -> Integer,
        skips -> Integer,
        first_at -> BigInt,
        last_at -> BigInt,
        practice_passed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    exclusions (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        volunteer_id -> BigInt,
        kind -> Text,
        reason -> Text,
        created_by -> BigInt,
        created_at -> BigInt,
        lifted_by -> Nullable<BigInt>,
        lifted_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    scenes (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        title -> Text,
        captured_from -> BigInt,
        captured_to -> BigInt,
        sensor -> Nullable<Text>,
        licence -> Nullable<Text>,
        attribution -> Nullable<Text>,
        source_name -> Text,
        source_sha256 -> Text,
        archive -> Text,
        archive_sha256 -> Text,
        crs -> Text,
        pixel_size_m -> Double,
        min_zoom -> SmallInt,
        max_zoom -> SmallInt,
        west -> Double,
        south -> Double,
        east -> Double,
        north -> Double,
        created_at -> BigInt,
        withdrawn_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    footprints (campaign_id, footprint_id) {
        campaign_id -> BigInt,
        footprint_id -> Text,
        geometry -> Text,
        west -> Double,
        south -> Double,
        east -> Double,
        north -> Double,
    }
}

diesel::table! {
    tiles (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        tile_id -> Text,
        z -> Nullable<SmallInt>,
        x -> Nullable<Integer>,
        y -> Nullable<Integer>,
        west -> Double,
        south -> Double,
        east -> Double,
        north -> Double,
        footprint -> Nullable<Text>,
        spatial_key -> BigInt,
        withdrawn_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    frames (tile, scene_id) {
        tile -> BigInt,
        scene_id -> BigInt,
        valid_share -> Double,
    }
}

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
    practice_answers (tile, volunteer_id) {
        tile -> BigInt,
        volunteer_id -> BigInt,
        campaign_id -> BigInt,
        answer -> SmallInt,
        correct -> Bool,
        answered_at -> BigInt,
    }
}

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
        id -> BigInt,
        tile -> BigInt,
        campaign_id -> BigInt,
        reviewer_id -> BigInt,
        answer -> SmallInt,
        last_intact -> Nullable<BigInt>,
        first_damaged -> Nullable<BigInt>,
        note -> Text,
        decided_at -> BigInt,
        in_force -> Bool,
    }
}

diesel::table! {
    jobs (id) {
        id -> BigInt,
        campaign_id -> Nullable<BigInt>,
        kind -> Text,
        input -> Text,
        state -> Text,
        progress -> Double,
        message -> Text,
        attempts -> Integer,
        created_by -> Nullable<BigInt>,
        created_at -> BigInt,
        heartbeat_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    uploads (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        volunteer_id -> BigInt,
        file_name -> Text,
        bytes_total -> BigInt,
        bytes_received -> BigInt,
        sha256 -> Nullable<Text>,
        state -> Text,
        created_at -> BigInt,
        changed_at -> BigInt,
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

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> BigInt,
        actor_id -> Nullable<BigInt>,
        campaign_id -> Nullable<BigInt>,
        act -> Text,
        subject -> Text,
        reason -> Text,
        detail -> Text,
    }
}

diesel::table! {
    locks (name) {
        name -> Text,
        holder -> Text,
        expires_at -> BigInt,
    }
}

diesel::joinable!(frames -> scenes (scene_id));
diesel::joinable!(frames -> tiles (tile));
diesel::joinable!(queue -> tiles (tile));
diesel::joinable!(consensus -> tiles (tile));
diesel::joinable!(gold -> tiles (tile));
diesel::joinable!(labels -> tiles (tile));
diesel::joinable!(leases -> tiles (tile));
diesel::joinable!(reviews -> tiles (tile));
diesel::joinable!(notes -> tiles (tile));
diesel::joinable!(practice_answers -> tiles (tile));
diesel::joinable!(sample_tiles -> tiles (tile));
diesel::joinable!(grades -> tiles (tile));
diesel::joinable!(grades -> samples (sample_id));

diesel::allow_tables_to_appear_in_same_query!(
    volunteers,
    sessions,
    personal_tokens,
    scales,
    scale_answers,
    campaigns,
    campaign_texts,
    guide_texts,
    imports,
    policies,
    roles,
    invitations,
    participations,
    exclusions,
    scenes,
    footprints,
    tiles,
    frames,
    queue,
    ring_positions,
    leases,
    labels,
    current_labels,
    notes,
    gold,
    practice_answers,
    models,
    skills,
    consensus,
    reviews,
    jobs,
    uploads,
    releases,
    coarse_cells,
    samples,
    sample_tiles,
    grades,
    audit_log,
    locks,
);
