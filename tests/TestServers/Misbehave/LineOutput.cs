using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.TestServers.Misbehave;

/// <summary>Stdout, one whole line per write unless a mode wants otherwise. Any thread.</summary>
internal sealed class LineOutput
{
    // Not the console's stream: that one swallows a broken pipe, and a mode that writes for ever would outlive its reader at full speed.
    private static readonly FileStream s_stream = new(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
    private readonly Lock _gate = new();

    public void Line(string line) => Raw(Encoding.UTF8.GetBytes(line + "\n"));

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            s_stream.Write(bytes);
        }
    }

    /// <summary>Writes the start, then the filling again and again, and never returns; nobody else gets a word in.</summary>
    public void WriteForEver(ReadOnlySpan<byte> start, ReadOnlySpan<byte> filling)
    {
        lock (_gate)
        {
            s_stream.Write(start);
            var chunk = new byte[filling.Length * 1024];
            for (var at = 0; at < chunk.Length; at += filling.Length)
            {
                filling.CopyTo(chunk.AsSpan(at));
            }

            while (true)
            {
                s_stream.Write(chunk);
            }
        }
    }
}
