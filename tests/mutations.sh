#!/bin/sh
# Shows that the crash tests can fail: removes each sync, each directory sync, each rename
# and each check of stored bytes in src/storage in turn and runs the tests without it.
#
#   tests/mutations.sh [PATTERN]     only the sites whose name matches
#
# All sites are made switchable in a copy of the tree, which is built once; one run of the
# tests for each site leaves it out. `red`: a test noticed. `green`: none did, which is an
# error unless the site is listed as spare, with what covers it. Where two checks cover each
# other, both together must be red. A site that sed no longer finds is an error too.
set -u
cd "$(dirname "$0")/.." || exit 1
work=build/mutations
pattern=${1:-.}
tests="--test crash_storage --test crash_consistency --test hostile_files --test real_syncs"

# name | file under src/storage | sed program, in which @ is true when the site is left out
sites() {
	cat <<-'END'
	new-log-sync|wal/writer.rs|/pub fn create/,/^    }/ s/file\.sync()?;/if !@ { & }/
	new-log-sync-dir|wal/writer.rs|/pub fn create/,/^    }/ s/storage\.sync_dir()?;/if !@ { & }/
	recovered-log-sync|wal/writer.rs|/pub fn resume/,/^    }/ s/file\.sync()?;/if !@ { & }/
	recovered-log-sync-dir|wal/writer.rs|/pub fn resume/,/^    }/ s/storage\.sync_dir()?;/if !@ { & }/
	old-log-sync|wal/writer.rs|/pub fn rotate/,/^    }/ s/self\.sync()?;/if !@ { & }/
	commit-sync|wal/writer.rs|/pub fn sync/,/^    }/ s/self\.file\.sync()\.inspect_err.*$/if !@ { & }/
	rollback-sync|wal/writer.rs|s/and_then(|()| self\.file\.sync())/and_then(|()| if @ { Ok(()) } else { self.file.sync() })/
	part-sync|part/writer.rs|s/self\.file\.sync()?;/if !@ { & }/
	manifest-sync|manifest/mod.rs|/^fn write_file/,/^}/ s/file\.sync()$/if @ { Ok(()) } else { & }/
	before-rename-sync-dir|manifest/mod.rs|/pub fn write(/,/^    }/ s/storage\.sync_dir()?;/if !@ { & }/
	current-by-rename|manifest/mod.rs|/pub fn write(/,/^    }/ s/storage\.rename(CURRENT_TMP, CURRENT)?;/if @ { let _ = storage.remove(CURRENT); write_file(storage, CURRENT, \&current.encode(format::CURRENT))?; } else { & }/
	after-rename-sync-dir|manifest/mod.rs|/pub fn write(/,/^    }/ s/storage\.sync_dir()$/if @ { Ok(()) } else { & }/
	before-removal-sync-dir|manifest/mod.rs|/pub fn remove_obsolete/,/^    }/ s/storage\.sync_dir()?;/if !@ { & }/
	kernel-fdatasync|os.rs|s/self\.file\.sync_data()/(if @ { Ok(()) } else { & })/
	kernel-rename|os.rs|s/fs::rename\((.*)\)$/(if @ { fs::copy\1.map(drop) } else { & })/
	kernel-fsync-dir|os.rs|s/fs::File::open(dir)?\.sync_all()/if @ { Ok(()) } else { & }/
	kernel-fsync-parent|os.rs|s/sync_parent(&dir, made)\./(if @ { Ok(()) } else { sync_parent(\&dir, made) })./
	header-crc|format.rs|s/if \(checksum::crc(&bytes\[\.\.CRC_AT\]) != read_u32(bytes, CRC_AT)\) {/if !@ \&\& \1 {/
	record-header-crc|wal/record.rs|s/|| \(read_u32(bytes, CRC_AT) != header_crc(log, position, bytes)\)/|| !@ \&\& \1/
	record-payload-crc|wal/record.rs|s/(\(checksum::crc(payload) == self\.payload_crc\) &&/((@ || \1) \&\&/
	log-durable-part|wal/reader.rs|s/if \(known > self\.position .*\) {/if !@ \&\& (\1) {/
	log-finished-file|wal/reader.rs|s/if \(torn > 0 && !is_last\) {/if !@ \&\& \1 {/
	block-crc|part/footer.rs|s/part\.id()\.block_crc(block as u64, bytes) == .*/@ || &/
	footer-crc|part/footer.rs|s/if \(crc != read_u32(footer, .*)\) {/if !@ \&\& \1 {/
	footer-crc-in-manifest|part/footer.rs|s/if \(crc != part\.crc\) {/if !@ \&\& \1 {/
	manifest-crc|manifest/mod.rs|s/if \(header\.words != .*\) {/if !@ \&\& \1 {/
	manifest-crc-in-current|manifest/mod.rs|s/if \(current\.words != .*\) {/if !@ \&\& \1 {/
	lost-current|manifest/mod.rs|s/if proof {/if !@ \&\& proof {/
	END
}

# Checks that cover each other, to be left out together.
pairs() {
	echo footer-crc,footer-crc-in-manifest
	echo manifest-crc,manifest-crc-in-current
}

# Why no test needs to notice.
spare() {
	case $1 in
	before-removal-sync-dir) echo 'resuming a log that was not cleanly closed has synced the directory' ;;
	footer-crc) echo 'the manifest repeats it' ;;
	footer-crc-in-manifest) echo 'the footer has it too' ;;
	manifest-crc) echo 'CURRENT has one of the whole manifest' ;;
	manifest-crc-in-current) echo 'the manifest has one of its own' ;;
	esac
}

list=$(mktemp) || exit 1
trap 'rm -f "$list"' EXIT
rm -rf "$work/tree"
mkdir -p "$work/tree"
git ls-files Cargo.toml Cargo.lock src tests benches include | tar -cf - -T - | tar -xf - -C "$work/tree" || exit 1
sites >"$list"
while IFS='|' read -r name file program; do
	# The shell splits at the first two bars only.
	switch="crate::left_out(\"$name\")"
	sed -i "$(printf '%s' "$program" | sed "s/@/$switch/g")" "$work/tree/src/storage/$file"
	found=$(grep -cF "$switch" "$work/tree/src/storage/$file")
	[ "$found" -eq 1 ] || { echo "$name: sed finds it $found times in src/storage/$file: update $0"; exit 1; }
done <"$list"
cat >>"$work/tree/src/lib.rs" <<-'END'
	pub(crate) fn left_out(site: &str) -> bool {
	    static SITES: std::sync::OnceLock<String> = std::sync::OnceLock::new();
	    let sites = SITES.get_or_init(|| std::env::var("VDB_LEFT_OUT").unwrap_or_default());
	    !sites.is_empty() && sites.split(',').any(|name| name == site)
	}
END

export CARGO_INCREMENTAL=0
build="cargo test --quiet --manifest-path $work/tree/Cargo.toml --target-dir $work/target"
# However long that takes: the limit below is for the tests.
$build --lib $tests --test torture --no-run >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

check() { # comma-separated sites
	run="timeout 900 $build"
	export VDB_LEFT_OUT=$1
	# What reaches the kernel shows on the file system that forgets (where it can be mounted).
	{ $run --lib storage:: && $run $tests && $run --test torture -- --only outage --seconds 5; } \
		>"$work/log" 2>&1 </dev/null
}

check '' || { cat "$work/log"; echo 'the tests fail with nothing left out'; exit 1; }
bad=0 red=0 green=0
for names in $(cut -d'|' -f1 "$list") $(pairs); do
	echo "$names" | grep -q -e "$pattern" || continue
	if check "$names"; then
		green=$((green + 1)) colour=green why=$(spare "$names")
		[ -n "$why" ] && why="spare: $why" || { bad=$((bad + 1)); why='NO TEST NOTICED'; }
	else
		red=$((red + 1)) colour=red
		why=$(sed -n 's/^---- \(.*\) stdout ----$/\1/p; s/^\(outage\) .*[1-9] .*$/torture \1/p' "$work/log" | paste -sd' ' -)
	fi
	printf '%-6s %-36s %s\n' "$colour" "$names" "$why"
done
echo "$red noticed, $green not, of which $bad should have been"
[ "$bad" -eq 0 ]
