//! The numbers of the C header are the engine's: two lists, kept apart so that neither
//! changes by accident, compared here.

use ::vdb::capi::{
    VDB_ID_NONE, vdb_call, vdb_check_level, vdb_durability, vdb_log_level, vdb_metric, vdb_option, vdb_originals,
    vdb_profile, vdb_quant, vdb_scalar, vdb_when_behind,
};
use vdb::db::{CheckLevel, OPTIONS, OptionId};
use vdb::{Call, Durability, LogLevel, Metric, Originals, Profile, Quant, Scalar, WhenBehind};

#[test]
fn enum_numbers_agree() {
    let pairs = [
        (Metric::L2sq as u32, vdb_metric::VDB_METRIC_L2SQ as u32),
        (Metric::Ip as u32, vdb_metric::VDB_METRIC_IP as u32),
        (Metric::Cosine as u32, vdb_metric::VDB_METRIC_COSINE as u32),
        (Metric::L1 as u32, vdb_metric::VDB_METRIC_L1 as u32),
        (Metric::Hamming as u32, vdb_metric::VDB_METRIC_HAMMING as u32),
        (Metric::Jaccard as u32, vdb_metric::VDB_METRIC_JACCARD as u32),
        (Scalar::F32 as u32, vdb_scalar::VDB_SCALAR_F32 as u32),
        (Scalar::F16 as u32, vdb_scalar::VDB_SCALAR_F16 as u32),
        (Scalar::Bf16 as u32, vdb_scalar::VDB_SCALAR_BF16 as u32),
        (Scalar::I8 as u32, vdb_scalar::VDB_SCALAR_I8 as u32),
        (Scalar::B1 as u32, vdb_scalar::VDB_SCALAR_B1 as u32),
        (Scalar::U8 as u32, vdb_scalar::VDB_SCALAR_U8 as u32),
        (Quant::Auto as u32, vdb_quant::VDB_QUANT_AUTO as u32),
        (Quant::None as u32, vdb_quant::VDB_QUANT_NONE as u32),
        (Quant::Sq8 as u32, vdb_quant::VDB_QUANT_SQ8 as u32),
        (Profile::Default as u32, vdb_profile::VDB_PROFILE_DEFAULT as u32),
        (Profile::Fast as u32, vdb_profile::VDB_PROFILE_FAST as u32),
        (Profile::Quality as u32, vdb_profile::VDB_PROFILE_QUALITY as u32),
        (WhenBehind::Block as u32, vdb_when_behind::VDB_WHEN_BEHIND_BLOCK as u32),
        (WhenBehind::Busy as u32, vdb_when_behind::VDB_WHEN_BEHIND_BUSY as u32),
        (Quant::Sq4 as u32, vdb_quant::VDB_QUANT_SQ4 as u32),
        (Quant::Pq as u32, vdb_quant::VDB_QUANT_PQ as u32),
        (Quant::Rabitq as u32, vdb_quant::VDB_QUANT_RABITQ as u32),
        (Originals::Keep as u32, vdb_originals::VDB_ORIGINALS_KEEP as u32),
        (Originals::Drop as u32, vdb_originals::VDB_ORIGINALS_DROP as u32),
        (Durability::None as u32, vdb_durability::VDB_DURABILITY_NONE as u32),
        (Durability::Process as u32, vdb_durability::VDB_DURABILITY_PROCESS as u32),
        (Durability::Full as u32, vdb_durability::VDB_DURABILITY_FULL as u32),
        (CheckLevel::Checksums as u32, vdb_check_level::VDB_CHECK_CHECKSUMS as u32),
        (CheckLevel::Structure as u32, vdb_check_level::VDB_CHECK_STRUCTURE as u32),
        (CheckLevel::Recall as u32, vdb_check_level::VDB_CHECK_RECALL as u32),
        (LogLevel::Error as u32, vdb_log_level::VDB_LOG_ERROR as u32),
        (LogLevel::Warn as u32, vdb_log_level::VDB_LOG_WARN as u32),
        (LogLevel::Info as u32, vdb_log_level::VDB_LOG_INFO as u32),
        (Call::Search as u32, vdb_call::VDB_CALL_SEARCH as u32),
        (Call::SearchBatch as u32, vdb_call::VDB_CALL_SEARCH_BATCH as u32),
        (Call::SearchRange as u32, vdb_call::VDB_CALL_SEARCH_RANGE as u32),
        (Call::Insert as u32, vdb_call::VDB_CALL_INSERT as u32),
        (Call::Upsert as u32, vdb_call::VDB_CALL_UPSERT as u32),
        (Call::Delete as u32, vdb_call::VDB_CALL_DELETE as u32),
        (Call::Get as u32, vdb_call::VDB_CALL_GET as u32),
        (Call::Count as u32, vdb_call::VDB_CALL_COUNT as u32),
        (Call::Sync as u32, vdb_call::VDB_CALL_SYNC as u32),
        (Call::Checkpoint as u32, vdb_call::VDB_CALL_CHECKPOINT as u32),
        (Call::Refresh as u32, vdb_call::VDB_CALL_REFRESH as u32),
        (Call::UpdateMeta as u32, vdb_call::VDB_CALL_UPDATE_META as u32),
        (Call::Recommend as u32, vdb_call::VDB_CALL_RECOMMEND as u32),
        (Call::Diverse as u32, vdb_call::VDB_CALL_DIVERSE as u32),
        (Call::Groups as u32, vdb_call::VDB_CALL_GROUPS as u32),
        (Call::Page as u32, vdb_call::VDB_CALL_PAGE as u32),
    ];
    for (i, (engine, header)) in pairs.into_iter().enumerate() {
        assert_eq!(engine, header, "pair {i}");
    }
    assert_eq!(VDB_ID_NONE, ::vdb::ID_NONE);
}

#[test]
fn every_option_is_in_the_header_and_the_reverse() {
    let header = [
        (vdb_option::VDB_OPT_DIM, OptionId::Dim),
        (vdb_option::VDB_OPT_METRIC, OptionId::Metric),
        (vdb_option::VDB_OPT_SCALAR, OptionId::Scalar),
        (vdb_option::VDB_OPT_QUANT, OptionId::Quant),
        (vdb_option::VDB_OPT_PQ_SUBSPACES, OptionId::PqSubspaces),
        (vdb_option::VDB_OPT_ORIGINALS, OptionId::Originals),
        (vdb_option::VDB_OPT_COLUMNS, OptionId::Columns),
        (vdb_option::VDB_OPT_M, OptionId::M),
        (vdb_option::VDB_OPT_EF_CONSTRUCTION, OptionId::EfConstruction),
        (vdb_option::VDB_OPT_EF_SEARCH, OptionId::EfSearch),
        (vdb_option::VDB_OPT_SEED, OptionId::Seed),
        (vdb_option::VDB_OPT_GRAPH_MIN_ROWS, OptionId::GraphMinRows),
        (vdb_option::VDB_OPT_CONSOLIDATE_RATIO, OptionId::ConsolidateRatio),
        (vdb_option::VDB_OPT_TARGET_RECALL, OptionId::TargetRecall),
        (vdb_option::VDB_OPT_PROFILE, OptionId::Profile),
        (vdb_option::VDB_OPT_CREATE, OptionId::Create),
        (vdb_option::VDB_OPT_READ_ONLY, OptionId::ReadOnly),
        (vdb_option::VDB_OPT_MMAP, OptionId::Mmap),
        (vdb_option::VDB_OPT_DURABILITY, OptionId::Durability),
        (vdb_option::VDB_OPT_WAL_LIMIT_BYTES, OptionId::WalLimitBytes),
        (vdb_option::VDB_OPT_VERIFY_ON_OPEN, OptionId::VerifyOnOpen),
        (vdb_option::VDB_OPT_COMPACT_RATIO, OptionId::CompactRatio),
        (vdb_option::VDB_OPT_MAX_META_BYTES, OptionId::MaxMetaBytes),
        (vdb_option::VDB_OPT_MAX_UNINDEXED, OptionId::MaxUnindexed),
        (vdb_option::VDB_OPT_WHEN_BEHIND, OptionId::WhenBehind),
        (vdb_option::VDB_OPT_THREADS, OptionId::Threads),
        (vdb_option::VDB_OPT_MAX_MEMORY, OptionId::MaxMemory),
        (vdb_option::VDB_OPT_RESIDENT, OptionId::Resident),
        (vdb_option::VDB_OPT_CACHE_BYTES, OptionId::CacheBytes),
        (vdb_option::VDB_OPT_SLOW_QUERY_US, OptionId::SlowQueryUs),
        (vdb_option::VDB_OPT_LOG_BYTES, OptionId::LogBytes),
        (vdb_option::VDB_OPT_LOG_LEVEL, OptionId::LogLevel),
        (vdb_option::VDB_OPT_COLUMN_BYTES, OptionId::ColumnBytes),
    ];
    assert_eq!(header.len(), OPTIONS.len());
    for ((number, id), info) in header.into_iter().zip(OPTIONS) {
        assert_eq!((number as u32, id), (info.id.number(), info.id), "{}", info.name);
    }
}
