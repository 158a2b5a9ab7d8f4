namespace Fairlead.Wire;

/// <summary>Finds in one pass over a message what routing and splicing need, and refuses what could be read two ways (decision 4).</summary>
public static class EnvelopeScanner
{
    /// <summary>Scans one whole message.</summary>
    /// <param name="message">One JSON text, whitespace around it allowed, no BOM. It may be any bytes: the scan never throws and never reads outside.</param>
    /// <param name="limits">Bounds; <see cref="ScanLimits.Default"/> when in doubt.</param>
    /// <param name="envelope">
    /// The places found. When the message is refused only <see cref="Envelope.Kind"/> and <see cref="Envelope.Id"/> can be set: the id whenever it could
    /// be read without doubt, because an error answer must echo it (not for <see cref="ScanError.NotJson"/>, <see cref="ScanError.IdTooLong"/> and a
    /// doubled id).
    /// </param>
    /// <returns><see cref="ScanError.None"/> when the message can be used.</returns>
    /// <remarks>
    /// The whole text is checked against the JSON grammar, also where nothing is looked for. <c>jsonrpc</c> must be "2.0" in requests and notifications;
    /// a response may leave it out. No allocation, except that an object with more than 8 unknown members rents a table from the shared pool.
    /// </remarks>
    public static ScanError Scan(ReadOnlySpan<byte> message, in ScanLimits limits, out Envelope envelope)
    {
        envelope = default;
        var notes = default(EnvelopeNotes);
        var end = new EnvelopeWalk(message, ref envelope, ref notes).Run(Math.Min(limits.DepthMax, JsonGrammar.LevelsMax));
        if (end == JsonGrammar.Invalid)
        {
            envelope = default;
            return ScanError.NotJson;
        }

        ScanError error;
        if (end >= 0 && message[envelope.Root.Start] != (byte)'{')
        {
            var isArray = message[envelope.Root.Start] == (byte)'[';
            envelope.Kind = isArray ? MessageKind.Batch : MessageKind.None;
            error = isArray ? ScanError.None : ScanError.NotJsonRpc;
        }
        else
        {
            error = EnvelopeJudge.Judge(message, ref envelope, notes, limits.IdBytesMax);
        }

        if (end == JsonGrammar.TooDeep)
        {
            error = ScanError.TooDeep;
        }

        if (error != ScanError.None)
        {
            envelope = new Envelope { Kind = envelope.Kind, Id = envelope.Id };
        }

        return error;
    }
}
