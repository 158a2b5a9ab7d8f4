namespace Fairlead.Processes;

/// <summary>The program of the reaper, for any POSIX shell.</summary>
internal static class ReaperScript
{
    /// <summary>
    /// Argument 1 is the marker to look for in environments. Lines on stdin: <c>+ id born</c> adds a session, <c>- id</c> removes one, <c>q</c> ends
    /// the reaper without any effect. The end of stdin means that the parent is gone:
    /// <list type="number">
    /// <item>It waits 2 s: a closed stdin lets good servers leave by themselves.</item>
    /// <item>It kills each group. A leader that was not born when it should have been is a stranger with a reused id and is left alone.</item>
    /// <item>It kills every process that carries the marker, until none is found. One grep reads all environments: a loop in the shell would
    /// take seconds where thousands of processes run. printf is part of the shell, so the list has no length limit; xargs splits it.</item>
    /// </list>
    /// It ignores every signal that can be ignored, keeps no descriptor but its stdin, and stands in the root directory so that nothing stays mounted
    /// because of it. Its own environment does not carry the marker.
    /// </summary>
    public const string Text = """
        trap '' HUP INT QUIT TERM PIPE ALRM USR1 USR2 TSTP TTIN TTOU
        exec >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
        cd /
        marker=$1
        live=' '
        while read -r op id born; do
          case $op in
            +) live="$live$id:$born " ;;
            -) case $live in *" $id:"*) rest=${live#*" $id:"}; live="${live%%" $id:"*} ${rest#* }" ;; esac ;;
            q) exit 0 ;;
          esac
        done
        sleep 2
        for entry in $live; do
          id=${entry%%:*}
          born=${entry#*:}
          if [ "$born" != 0 ] && read -r stat <"/proc/$id/stat"; then
            set -- ${stat##*) }
            [ "${20}" = "$born" ] || continue
          fi
          kill -s KILL -- "-$id"
        done
        [ -e /proc/self/environ ] || exit 0
        cd /proc
        round=0
        while [ "$round" -lt 10 ]; do
          found=$(printf '%s\n' [0-9]*/environ | xargs grep -lsF -- "$marker")
          [ -n "$found" ] || exit 0
          for path in $found; do kill -s KILL "${path%%/*}"; done
          round=$((round + 1))
          [ "$round" -lt 3 ] || sleep 1
        done
        """;
}
