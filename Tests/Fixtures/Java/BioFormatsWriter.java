import java.io.File;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import loci.common.DebugTools;
import loci.formats.FormatTools;
import loci.formats.MetadataTools;
import loci.formats.meta.IMetadata;
import loci.formats.out.OMETiffWriter;
import ome.units.UNITS;
import ome.units.quantity.Length;
import ome.units.quantity.Time;
import ome.xml.model.enums.Immersion;
import ome.xml.model.primitives.Color;
import ome.xml.model.primitives.NonNegativeInteger;

/**
 * OME-TIFF as Bio-Formats writes it, of all that `bfconvert` can ask for: `java -cp bioformats_package.jar BioFormatsWriter.java FILE...`.
 *
 * Each is made as its name says, in parts with `_` between them: the order of the dimensions (`XYTCZ`), and any of `big` (BigTIFF),
 * `tiles`, `bigendian`, and a compression by Bio-Formats' name. 37 x 29 pixels, 3 planes, 2 channels, 2 time points of 16 bits; voxel
 * (t, c, z, y, x) is that of make_tiff_fixtures.py.
 */
public class BioFormatsWriter {
    public static void main(String[] paths) throws Exception {
        DebugTools.setRootLevel("ERROR");
        for (String path : paths) {
            String[] words = new File(path).getName().split("\\.")[0].split("_");
            boolean isBigEndian = has(words, "bigendian");
            IMetadata metadata = metadata(words[0], !isBigEndian);
            OMETiffWriter writer = new OMETiffWriter();
            writer.setMetadataRetrieve(metadata);
            writer.setBigTiff(has(words, "big"));
            if (has(words, "tiles")) {
                writer.setTileSizeX(16);
                writer.setTileSizeY(16);
            }
            for (String word : words)
                for (String compression : writer.getCompressionTypes())
                    if (word.equals(compression)) writer.setCompression(word);
            writer.setId(path);
            for (int i = 0; i < 12; i++) {
                int[] place = FormatTools.getZCTCoords(words[0], 3, 2, 2, 12, i);
                writer.saveBytes(i, plane(place[2], place[1], place[0], isBigEndian));
            }
            writer.close();
        }
    }

    private static boolean has(String[] words, String wanted) {
        for (String word : words) if (word.equals(wanted)) return true;
        return false;
    }

    private static byte[] plane(int t, int c, int z, boolean isBigEndian) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * 29 * 37).order(isBigEndian ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        for (int y = 0; y < 29; y++)
            for (int x = 0; x < 37; x++) {
                long position = (((5L * t + c) * 11 + z) * 131 + y) * 137 + x;
                bytes.putShort((short) (position * 2654435761L % (1L << 32) >>> 16));
            }
        return bytes.array();
    }

    private static IMetadata metadata(String order, boolean isLittleEndian) throws Exception {
        IMetadata metadata = MetadataTools.createOMEXMLMetadata();
        MetadataTools.populateMetadata(metadata, 0, "cells", isLittleEndian, order, "uint16", 37, 29, 3, 2, 2, 1);
        metadata.setImageDescription("Two lines,\none of them with <\u00b5>", 0);
        metadata.setInstrumentID("Instrument:7", 0);
        metadata.setObjectiveID("Objective:7:1", 0, 0);
        metadata.setObjectiveLensNA(1.35, 0, 0);
        metadata.setObjectiveNominalMagnification(60.0, 0, 0);
        metadata.setObjectiveImmersion(Immersion.GLYCEROL, 0, 0);
        metadata.setImageInstrumentRef("Instrument:7", 0);
        metadata.setObjectiveSettingsID("Objective:7:1", 0);
        metadata.setObjectiveSettingsRefractiveIndex(1.47, 0);
        metadata.setPixelsPhysicalSizeX(new Length(80, UNITS.NANOMETER), 0);
        metadata.setPixelsPhysicalSizeY(new Length(0.09, UNITS.MICROMETER), 0);
        metadata.setPixelsPhysicalSizeZ(new Length(0.3, UNITS.MICROMETER), 0);
        metadata.setPixelsTimeIncrement(new Time(1500, UNITS.MILLISECOND), 0);
        for (int c = 0; c < 2; c++) {
            metadata.setChannelName(c == 0 ? "DAPI" : "\u03b2-tubulin", 0, c);
            metadata.setChannelColor(c == 0 ? new Color(10, 20, 250, 255) : new Color(255, 200, 0, 255), 0, c);
            metadata.setChannelEmissionWavelength(new Length(c == 0 ? 461 : 0.5253, c == 0 ? UNITS.NANOMETER : UNITS.MICROMETER), 0, c);
            metadata.setChannelExcitationWavelength(new Length(405 + 83 * c, UNITS.NANOMETER), 0, c);
        }
        for (int i = 0; i < 12; i++) {
            int[] place = FormatTools.getZCTCoords(order, 3, 2, 2, 12, i);
            metadata.setPlaneTheZ(new NonNegativeInteger(place[0]), 0, i);
            metadata.setPlaneTheC(new NonNegativeInteger(place[1]), 0, i);
            metadata.setPlaneTheT(new NonNegativeInteger(place[2]), 0, i);
            metadata.setPlaneDeltaT(new Time(1500.0 * place[2] + 10 * place[0] + place[1], UNITS.MILLISECOND), 0, i);
            metadata.setPlaneExposureTime(new Time(0.02 * (place[1] + 1), UNITS.SECOND), 0, i);
            metadata.setPlanePositionX(new Length(1234.5, UNITS.MICROMETER), 0, i);
            metadata.setPlanePositionY(new Length(-7 * place[2], UNITS.REFERENCEFRAME), 0, i);
            metadata.setPlanePositionZ(new Length(100 + 0.3 * place[0], UNITS.MICROMETER), 0, i);
        }
        return metadata;
    }
}
