using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using static Fairlead.Wire.Tests.Messages;

namespace Fairlead.Wire.Tests;

/// <summary>A splice of random JSON gives what the same edits of a document model give.</summary>
public class SplicePropertyTests
{
    private static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 64 };

    private delegate void Edit(ref Splice splice);

    [Fact]
    public void Splice_OfRandomEdits_GivesWhatADocumentModelGives()
    {
        var cases = from json in JsonTexts.Object(4, distinct: true)
                    from seed in Gen.Choose(0, int.MaxValue - 1)
                    from scratch in Gen.Elements(0, 100, Splice.ScratchBytes)
                    select (json, seed, scratch);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1500), Prop.ForAll(Arb.From(cases), pick => AssertSame(pick.json, pick.seed, pick.scratch)));
    }

    private static void AssertSame(string json, int seed, int scratch)
    {
        var source = Utf8(json);
        var model = JsonNode.Parse(json)!;
        var edits = new List<Edit>();
        var random = new Random(seed);
        var start = json.Length - json.TrimStart().Length;
        Plan(source, new ByteRange(start, source.Length - start), model.AsObject(), edits, random, depth: 0);
        Shuffle(edits, random);

        var splice = new Splice(source, new byte[scratch]);
        foreach (var edit in edits)
        {
            edit(ref splice);
        }

        var expected = model.ToJsonString(s_plain);
        var bytes = new byte[splice.ResultLength];
        splice.WriteTo(bytes);
        Assert.Equal(expected, JsonNode.Parse(bytes)!.ToJsonString(s_plain));

        var writer = new ArrayBufferWriter<byte>(1);
        splice.WriteTo(writer);
        Assert.Equal(bytes, writer.WrittenSpan.ToArray());
        splice.Dispose();

        var blanked = new Splice(source, default, blankNewlines: true);
        var line = new byte[blanked.ResultLength];
        blanked.WriteTo(line);
        Assert.DoesNotContain(line, value => value is (byte)'\n' or (byte)'\r');
        Assert.Equal(JsonNode.Parse(json)!.ToJsonString(s_plain), JsonNode.Parse(line)!.ToJsonString(s_plain));
    }

    /// <summary>Chooses edits for an object and the objects in it, does them to the model and keeps them for the splice.</summary>
    private static void Plan(byte[] source, ByteRange place, JsonObject model, List<Edit> edits, Random random, int depth)
    {
        foreach (var member in new JsonMembers(source, place))
        {
            var name = JsonText.ToString(member.Name.Of(source))!;
            var value = member.Value;
            var inner = model[name] as JsonObject;
            var fate = random.Next(4);
            if (fate != 3 && inner is not null)
            {
                // Also under a member that goes away: those edits must vanish with it.
                Plan(source, value, inner, edits, random, depth + 1);
            }

            if (fate == 0)
            {
                model.Remove(name);
                edits.Add((ref Splice splice) => splice.RemoveMember(value));
            }
            else if (fate == 1)
            {
                var json = random.Next(2) == 0 ? "\"changed\"" : "{\"changed\":[1]}";
                model[name] = JsonNode.Parse(json);
                edits.Add((ref Splice splice) => splice.Replace(value, Utf8(json)));
            }
        }

        if (random.Next(3) == 0)
        {
            model.Add($"+append{depth}", 1);
            edits.Add((ref Splice splice) => splice.AppendMember(place, Utf8($"\"+append{depth}\":1")));
        }

        if (random.Next(3) == 0)
        {
            model.Insert(0, $"+prepend{depth}", "x");
            edits.Add((ref Splice splice) => splice.PrependMember(place, Utf8($"+prepend{depth}"), Utf8("\"x\"")));
        }
    }

    private static void Shuffle(List<Edit> edits, Random random)
    {
        var shuffled = edits.ToArray();
        random.Shuffle(shuffled);
        edits.Clear();
        edits.AddRange(shuffled);
    }
}
