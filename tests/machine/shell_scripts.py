"""Short POSIX-shell scripts; what they print must not depend on pids, time or paths."""

SCRIPTS: dict[str, str] = {
    "pipeline": "seq 5 | tac | head -n 3 | cat -n",
    "pipeline_status": "true | false; echo $?; false | true; echo $?; ! false | true; echo $?",
    "long_pipeline": "seq 300 | grep 7 | sed s/7/x/ | sort -r | uniq | wc -l",
    "early_exit_of_reader": "yes | head -n 3; seq 100000 | head -n 1; echo $?",
    "redirection": "echo one >f; echo two >>f; cat <f; wc -l <f; : >f; cat f; rm f; ls",
    "descriptors": "exec 3>f; echo to3 >&3; exec 3>&-; cat f; { echo o; echo e >&2; } 2>&1 | sort; "
    "exec 4<f; read x <&4; echo $x; exec 4<&-; rm f",
    "stderr_apart": "echo out; echo err >&2; ls /nosuch/file 2>/dev/null; echo $?",
    "noclobber": "set -C; echo a >f; echo b >f; echo $?; echo c >|f; cat f; rm f",
    "here_document": "x=5; cat <<END\nx is $x and $((x * 2)) and $(echo sub)\nEND\n"
    "cat <<'END'\nraw $x\nEND\ncat <<-END\n\ttabs\n\tgone\n\tEND\n",
    "here_document_large": "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done >f; "
    "x=$(cat f); wc -l <<END\n$x\nEND\nrm f",
    "command_substitution": 'x=$(echo a; echo b); echo "$x"; echo $x; y=`echo \\`echo deep\\``; echo $y; '
    'echo "$(exit 3)"; echo $?; z=$(exit 3); echo $?',
    "subshell": "x=1; (x=2; cd /; echo $x; exit 7); echo $? $x; { x=3; }; echo $x",
    "background_and_wait": "(exit 4) & wait $!; echo $?; sleep 1 & sleep 2 & wait; echo $?; wait 99999; echo $?",
    "background_order": "(sleep 2; echo second) & (sleep 1; echo first) & wait; echo third",
    "background_pipe": "(sleep 1; echo late) | (echo early; cat) & wait; echo end",
    "trap_exit": "trap 'echo bye $?' EXIT; echo hi; (exit 3); exit 5",
    "trap_signals": "trap 'echo usr1' USR1; trap 'echo term' TERM; kill -USR1 $$; kill -TERM $$; "
    "trap - TERM; echo on; trap '' INT; kill -INT $$; echo still",
    "trap_in_wait": "trap 'echo got' USR1; (sleep 1; kill -USR1 $$) & sleep 5 & wait $!; echo $?; wait; echo done",
    "trap_inherited": "trap '' HUP; sh -c 'kill -HUP $$; echo survived'; trap - HUP; sh -c 'kill -HUP $$; echo no'; echo $?",
    "killed_status": "sh -c 'kill -9 $$'; echo $?; sh -c 'kill -TERM $$'; echo $?; (kill -USR2 $(sh -c 'echo $PPID')); echo $?",
    "kill_child": "sleep 100 & p=$!; kill $p; wait $p; echo $?; kill -0 $p 2>/dev/null; echo $?",
    "stop_and_continue": "(echo a; kill -STOP $(sh -c 'echo $PPID'); echo b) & p=$!; sleep 1; echo between; "
    "kill -CONT $p; wait $p; echo $?",
    "broken_pipe": "(trap '' PIPE; sleep 1; echo x 2>/dev/null; echo $? >&2) | true; sleep 2; echo over",
    "exec_replaces": "(exec sh -c 'echo replaced $1' name arg; echo never); exec 2>&1; echo to-out >&2",
    "exec_missing": "(exec /no/such); echo $?; nosuchcommand; echo $?; /tmp; echo $?",
    "script_file": "printf '#!/bin/sh\\necho script $0 $# \"$@\"\\nexit 9\\n' >s; chmod +x s; ./s 'a b' c; echo $?; rm s",
    "script_interpreters": "printf '#!/bin/sed 1d\\nhere\\n' >t; chmod +x t; ./t; chmod -x t; ./t; echo $?; rm t",
    "environment": "A=1; export B=2; C=3 sh -c 'echo [$A] [$B] [$C]'; unset B; sh -c 'echo [$B]'",
    "arithmetic": "echo $((7/2)) $((-7%3)) $((1<<10)) $((0x1f)) $((5>3&&2<1)) $((x=4)) $x; i=5; echo $((i+=2)) $i",
    "parameters": "x=path/to/file.txt; echo ${x##*/} ${x%.*} ${x%%/*} ${#x} ${y:-def} ${x:+set}; "
    "set -- a 'b c' d; echo $# \"$2\"; shift; echo $*; for i; do echo $i; done",
    "unset_is_error": "(set -u; echo $nothing; echo never); echo $?; (echo ${z:?msg}); echo $?",
    "errexit": "(set -e; false; echo never); echo $?; (set -e; false || true; if false; then :; fi; echo reached)",
    "case_and_patterns": "for w in abc a1 '' '*'; do case $w in a[0-9]) echo digit;; a*) echo a;; '') echo empty;; \\*) echo star;; esac; done",
    "loops": "for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done; "
    "until [ ${n:=0} -ge 3 ]; do n=$((n+1)); done; echo $n",
    "functions": "f() { local v=in; echo $v $1 $#; return 6; }; v=out; f a b; echo $? $v; g() { f() { echo new; }; }; g; f",
    "recursion": "fib() { if [ $1 -lt 2 ]; then echo $1; else echo $(( $(fib $(($1-1))) + $(fib $(($1-2))) )); fi; }; fib 5",
    "read_and_ifs": "echo 'a:b c:d' | { IFS=: read x y; echo \"$x|$y\"; }; printf 'l1\\nl2\\n' | while read l; do echo \"<$l>\"; done; "
    "IFS=,; set -- $(echo 1,2,3); echo $# $2",
    "globbing": "touch b a .h c.x; echo *; echo [ab]; echo *.x no*; set -f; echo *; rm -f a b c.x .h",
    "quoting": "a='it'\\''s'; echo \"$a\" '$a' \\$a; echo \"tab\\tno\" 'x\ny'; printf '%s-%s\\n' a b c",
    "tests": "[ -d / -a ! -f / ] && echo dir; touch f; [ -e f ] && [ ! -s f ] && echo empty; [ a \\< b ] && echo less; [ 3 -gt 2 ]; echo $?; rm f",
    "eval_and_dot": "eval 'x=1; echo $x'; echo 'y=2; echo dotted $1' >s; . ./s; echo $y; rm s",
    "getopts": "set -- -a -b val rest; while getopts ab:c o; do echo $o $OPTARG; done; shift $((OPTIND-1)); echo $1",
    "umask_and_modes": "umask 077; touch f; ls -l f | cut -c1-10; umask; umask u=rwx,g=rx,o=; umask; rm f",
    "directories": "mkdir -p d/e; cd d/e; pwd | sed 's,.*/d,d,'; cd ..; cd - >/dev/null; cd ../..; rmdir d/e d; ls",
    "named_pipe": "mkfifo p; (echo through >p) & cat p; wait; (cat <p) & echo again >p; wait; rm p",
    "tee_and_xargs": "seq 3 | tee f | tail -n 1; cat f; seq 4 | xargs -n 2 echo pair; rm f",
    "nested_substitution_pipe": 'echo "$(echo "$(seq 3 | tr "\\n" " ")" | sed "s/ $//")!"',
    "many_children": "for i in 1 2 3 4 5 6 7 8; do (exit $i) & eval p$i=$!; done; for i in 8 1 5; do eval wait \\$p$i; echo $?; done",
    "process_group_signal": "setsid sh -c 'trap \"echo leader\" TERM; (sleep 9; echo never) & kill -TERM 0; wait; echo end'; echo $?",
    "set_pipefail_and_flags": "set -o pipefail; false | true; echo $?; set +o pipefail; set -- -x; echo \"$-\" | tr -d 'hims' | wc -c",
    "time_passes": "t=$(date +%s); sleep 3; u=$(date +%s); [ $((u - t)) -ge 3 ] && echo slept",
    "ulimit": "ulimit -n 20; ulimit -n; ulimit -c; (ulimit -n 5; cat 9<&0 </dev/null) 2>/dev/null; echo $?",
    "awk_system": 'awk \'BEGIN { system("echo from sh"); "echo piped" | getline x; print x; print "to cat" | "cat" }\'',
    "find_exec": "mkdir d; touch d/a d/b; find d -type f -exec basename {} \\; | sort; rm -r d",
    "tar_pipe": "mkdir d; echo text >d/f; tar -cf - d | (mkdir e; cd e; tar -xf -; cat d/f); rm -r d e",
}
