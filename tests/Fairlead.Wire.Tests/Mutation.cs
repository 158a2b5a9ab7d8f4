namespace Fairlead.Wire.Tests;

/// <summary>Small damage to bytes, the same for the same random numbers.</summary>
internal static class Mutation
{
    private static readonly byte[][] s_pieces =
    [
        [(byte)'"'], [(byte)'\\'], [(byte)'{'], [(byte)'}'], [(byte)'['], [(byte)']'], [(byte)','], [(byte)':'], [(byte)'\n'], [(byte)'\r'], [0], [0xFF], [0xC3], [0xED, 0xA0, 0x80],
        "null"u8.ToArray(), "-"u8.ToArray(), "0"u8.ToArray(), "1e"u8.ToArray(), "."u8.ToArray(), "\\u00"u8.ToArray(), "\\ud800"u8.ToArray(), "\"id\":"u8.ToArray(),
        "\"id\":1,"u8.ToArray(), ",\"method\":\"ping\""u8.ToArray(), "\"params\":{},"u8.ToArray(), ",\"error\":null"u8.ToArray(), "\"result\":"u8.ToArray(), "\"_meta\":{"u8.ToArray(),
        "\\u0069"u8.ToArray(), "data: "u8.ToArray(), "id: 1\n"u8.ToArray(), "\n\n"u8.ToArray(), [0xEF, 0xBB, 0xBF], "=?base64?"u8.ToArray(), "?="u8.ToArray(),
    ];

    /// <summary>A changed copy: one to four changes.</summary>
    public static byte[] Apply(byte[] bytes, Random random)
    {
        var changed = new List<byte>(bytes);
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(changed.Count + 1);
            switch (random.Next(7))
            {
                case 0 when at < changed.Count:
                    changed[at] = (byte)random.Next(256);
                    break;
                case 1 when at < changed.Count:
                    changed[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    changed.RemoveRange(at, Math.Min(random.Next(1, 9), changed.Count - at));
                    break;
                case 3:
                    changed.RemoveRange(at, changed.Count - at);
                    break;
                case 4:
                    changed.InsertRange(random.Next(changed.Count + 1), changed.GetRange(at, Math.Min(random.Next(1, 30), changed.Count - at)));
                    break;
                default:
                    changed.InsertRange(at, s_pieces[random.Next(s_pieces.Length)]);
                    break;
            }
        }

        return [.. changed];
    }

    /// <summary>The start of one and the end of another.</summary>
    public static byte[] Cross(byte[] first, byte[] second, Random random) =>
        [.. first.AsSpan(0, random.Next(first.Length + 1)), .. second.AsSpan(random.Next(second.Length + 1))];
}
