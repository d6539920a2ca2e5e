//! Tables of images and the tiles that are seen in them.

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
        alignment -> Nullable<Text>,
        joined_at -> Nullable<BigInt>,
        joining -> Nullable<Text>,
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
    withdrawals (id) {
        id -> BigInt,
        campaign_id -> BigInt,
        scene_id -> Nullable<BigInt>,
        tile -> Nullable<BigInt>,
        reason -> Text,
        created_by -> Nullable<BigInt>,
        created_at -> BigInt,
        lifted_by -> Nullable<BigInt>,
        lifted_at -> Nullable<BigInt>,
        lift_reason -> Text,
    }
}

diesel::table! {
    jobs (id) {
        id -> BigInt,
        campaign_id -> Nullable<BigInt>,
        kind -> Text,
        input -> Text,
        state -> Text,
        units_done -> BigInt,
        units_total -> BigInt,
        message -> Text,
        report -> Text,
        attempts -> Integer,
        holder -> Nullable<Text>,
        cancel_asked -> Bool,
        created_by -> Nullable<BigInt>,
        created_at -> BigInt,
        started_at -> Nullable<BigInt>,
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
